-- compatible with schema version 1
-- Who repairs Nacos's Raft groups (registry/repair.ts), until when nothing need be heard of it, and whether
-- an operator recovered the list and Raft has not been repaired since. A server that does not
-- know of it may change a list during a repair, which then stops.

ALTER TABLE address_server_cluster ADD COLUMN IF NOT EXISTS repair_by TEXT NULL;
ALTER TABLE address_server_cluster ADD COLUMN IF NOT EXISTS repair_until BIGINT NULL;
ALTER TABLE address_server_cluster ADD COLUMN IF NOT EXISTS awaits_repair SMALLINT NOT NULL DEFAULT 0;
