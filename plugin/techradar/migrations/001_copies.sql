-- +goose Up
-- The last good copy of each radar that is read from elsewhere, and how the latest attempt to renew it went.
CREATE TABLE radar_copies (
	radar       TEXT      NOT NULL PRIMARY KEY,
	source      TEXT      NOT NULL, -- the URL or file that it is of
	document    TEXT      NOT NULL, -- JSON; empty: there is none
	version     TEXT      NOT NULL, -- hash of the document; empty: there is none
	etag        TEXT      NOT NULL, -- of the document where it came from
	fetched_at  TIMESTAMP,          -- when the document was last known to be the latest
	checked_at  TIMESTAMP NOT NULL, -- when that was last tried
	failure     TEXT      NOT NULL  -- why the latest could not be had or used, in lines; empty: it could
);
