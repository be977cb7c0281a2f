-- +goose Up
CREATE TABLE requests (
    audit     TEXT PRIMARY KEY, -- the service's id
    principal TEXT NOT NULL,    -- who asked for it
    asked_at  TIMESTAMP NOT NULL
);
CREATE INDEX requests_by_time ON requests (asked_at);

CREATE TABLE schedule (
    site     TEXT PRIMARY KEY,
    next_at  TIMESTAMP NOT NULL,
    problem  TEXT NOT NULL DEFAULT '' -- why it was not audited when it should have been
);
CREATE INDEX schedule_by_time ON schedule (next_at);

-- +goose Down
DROP TABLE schedule;
DROP TABLE requests;
