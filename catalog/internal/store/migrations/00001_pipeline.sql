-- +goose Up

-- What the catalog knows of each entity, and when to look at it again. Times are milliseconds since 1970.
create table refresh_state (
  id integer primary key autoincrement,     -- never used again: who has read of an entity must not meet another one
  uid text not null,
  entity_ref text not null unique,
  location_key text,                        -- who may write the entity; null: anybody
  unprocessed_hash text not null,
  result_hash text,                         -- of the last processing; null: none yet
  errors text,                              -- of the last processing, as JSON; null: none
  revision bigint not null default 0,       -- counts the reasons to process it, so that none is lost while it is being processed
  next_update_at bigint not null,
  claimed_until bigint not null default 0,  -- somebody is processing it; past: nobody
  claimed_by text,
  orphan_since bigint,                      -- nothing leads to it since; null: something does
  created_at bigint not null,
  attempted_at bigint,
  succeeded_at bigint,
  took_us bigint,
  failures integer not null default 0,      -- in a row
  as_is integer not null default 0          -- 1: the processed body is the unprocessed one, and not stored again
);
create index refresh_state_due on refresh_state (next_update_at);
create index refresh_state_orphans on refresh_state (orphan_since) where orphan_since is not null;
create index refresh_state_failed on refresh_state (id) where errors is not null;

-- Apart from refresh_state, so that moving a due date does not rewrite a body.
create table entity_bodies (
  id integer primary key references refresh_state (id) on delete cascade,
  unprocessed text not null,
  positions text,                           -- JSON: where in its file the entity and its known faults are
  processed text,
  cache text                                -- what processors remember, as JSON
);

-- What leads to an entity: providers,
create table root_edges (
  source_key text not null,
  target_id bigint not null references refresh_state (id) on delete cascade,
  primary key (source_key, target_id)
) without rowid;
create index root_edges_target on root_edges (target_id);

-- and other entities, through a file (via, a location) or by themselves (via is empty).
create table child_edges (
  source_id bigint not null references refresh_state (id) on delete cascade,
  via text not null,
  target_id bigint not null references refresh_state (id) on delete cascade,
  line integer not null default 0,
  fault text,                               -- why the file's present version of it cannot be used, as JSON; null: it can
  primary key (source_id, via, target_id)
) without rowid;
create index child_edges_target on child_edges (target_id);

-- What a Location entity has read: its targets, and the files that those stand for.
create table targets (
  source_id bigint not null references refresh_state (id) on delete cascade,
  target text not null,                     -- a location, perhaps a pattern
  etag text not null,                       -- of the last complete reading; empty: read again
  fault text,                               -- why it cannot be read, as JSON
  missing integer not null default 0,       -- it does not exist
  read_at bigint not null,
  took_us bigint not null,
  primary key (source_id, target)
) without rowid;
create table target_files (
  source_id bigint not null references refresh_state (id) on delete cascade,
  target text not null,
  file text not null,                       -- a location
  hash text not null,                       -- of its content and of what decided about it; empty: read again
  faults text,                              -- as JSON
  missing integer not null default 0,
  documents integer not null,
  read_at bigint not null,
  primary key (source_id, target, file)
) without rowid;
create index target_files_file on target_files (file);

create table conflicts (
  entity_ref text not null,
  location_key text not null,               -- of the one who may not write the entity
  source_id bigint references refresh_state (id) on delete cascade,
  source_key text,                          -- of a provider
  reported_at bigint not null,
  primary key (entity_ref, location_key)
);
create index conflicts_source on conflicts (source_id);

-- What the origin, which has an id of refresh_state, says of a source, itself or another entity. They are many: that the origin is there is not checked row by row. Hashes stand for refs in the index, because the texts are long and many.
create table relations (
  origin_id bigint not null,
  source_hash bigint not null,
  source_ref text not null,
  edges text not null                       -- types and targets, with separators
);
create index relations_origin on relations (origin_id);
create index relations_source on relations (source_hash);

create table refresh_keys (
  entity_id bigint not null references refresh_state (id) on delete cascade,
  key text not null,
  primary key (entity_id, key)
) without rowid;
create index refresh_keys_key on refresh_keys (key);

create table stitch_queue (
  entity_id integer primary key references refresh_state (id) on delete cascade,
  due_at bigint not null,
  ticket bigint not null default 0          -- counts requests
);

create table final_entities (
  id integer primary key references refresh_state (id) on delete cascade,
  entity_ref text not null unique,
  uid text not null,
  hash text not null,
  body text not null,
  seq bigint not null,                      -- of its last change in change_log
  created_at bigint not null,
  updated_at bigint not null
);

create table change_log (
  seq integer primary key,
  at bigint not null,
  op text not null,                         -- create, update, delete
  entity_ref text not null,
  uid text not null,
  etag text not null,
  cause text not null
);

create table counters (
  name text primary key,
  value bigint not null
) without rowid;
insert into counters (name, value) values ('change', 0);

create table meta (
  name text primary key,
  value text not null
) without rowid;

create table locations (
  id text primary key,
  type text not null,
  target text not null,
  entity_ref text not null,
  unique (type, target)
) without rowid;
