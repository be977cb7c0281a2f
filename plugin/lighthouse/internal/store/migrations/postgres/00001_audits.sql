-- +goose Up
CREATE TABLE site_audits (
    id             TEXT PRIMARY KEY,
    url            TEXT NOT NULL,           -- as it was asked for
    site           TEXT NOT NULL,           -- what counts as the same website
    form_factor    TEXT NOT NULL,
    config         TEXT NOT NULL,           -- of Lighthouse, as JSON
    up_timeout     BIGINT NOT NULL,         -- milliseconds
    time_created   TIMESTAMP NOT NULL,
    time_started   TIMESTAMP,
    time_completed TIMESTAMP,
    reason         TEXT NOT NULL DEFAULT '', -- why it failed
    categories     TEXT NOT NULL DEFAULT '', -- scores, as JSON; apart from the report, so that lists need not read it
    attempts       INTEGER NOT NULL DEFAULT 0,
    worker         TEXT NOT NULL DEFAULT '', -- who runs it
    leased_until   TIMESTAMP                -- when whoever runs it counts as gone
);
CREATE INDEX site_audits_of_site ON site_audits (site, time_created);
CREATE INDEX site_audits_newest ON site_audits (time_created);
CREATE INDEX site_audits_open ON site_audits (time_created) WHERE time_completed IS NULL;

CREATE TABLE site_audit_reports (
    audit  TEXT PRIMARY KEY,
    report BYTEA NOT NULL -- gzip of JSON
);

-- +goose Down
DROP TABLE site_audit_reports;
DROP TABLE site_audits;
