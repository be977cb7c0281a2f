-- +goose Up

-- What cannot be read is little among what can, and is asked for often.
create index targets_failed on targets (source_id) where fault is not null;
create index target_files_failed on target_files (source_id) where faults is not null;
