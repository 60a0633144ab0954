-- compatible with schema version 1
-- Who repairs Nacos's Raft groups (registry/repair.ts), until when nothing need be heard of it, and whether
-- an operator recovered the list and Raft has not been repaired since. A server that does not
-- know of it may change a list during a repair, which then stops. MySQL has no ADD COLUMN IF NOT EXISTS: the migrator
-- (store/sql/migrator.ts) passes over a column that is there.

ALTER TABLE address_server_cluster ADD COLUMN repair_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL;
ALTER TABLE address_server_cluster ADD COLUMN repair_until BIGINT NULL;
ALTER TABLE address_server_cluster ADD COLUMN awaits_repair TINYINT NOT NULL DEFAULT 0;
