-- +goose Up
CREATE TABLE greetings (
	name     TEXT      NOT NULL PRIMARY KEY,
	times    BIGINT    NOT NULL,
	last_at  TIMESTAMP NOT NULL
);
