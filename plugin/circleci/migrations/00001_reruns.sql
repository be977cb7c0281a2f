-- +goose Up
CREATE TABLE reruns (
	id           TEXT      NOT NULL PRIMARY KEY,
	at           TIMESTAMP NOT NULL,
	actor        TEXT      NOT NULL,
	entity       TEXT      NOT NULL,
	project      TEXT      NOT NULL,
	workflow     TEXT      NOT NULL,
	name         TEXT      NOT NULL,
	from_failed  BOOLEAN   NOT NULL,
	outcome      TEXT      NOT NULL,
	new_workflow TEXT      NOT NULL,
	fault        TEXT      NOT NULL
);
CREATE INDEX reruns_project ON reruns (project, at);
CREATE INDEX reruns_workflow ON reruns (workflow);
CREATE INDEX reruns_new_workflow ON reruns (new_workflow);
