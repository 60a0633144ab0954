-- compatible with schema version 1
-- Who repairs Nacos's Raft groups (registry/repair.ts), and until when nothing need be heard of it. A server that does not
-- know of it may change a list during a repair, which then stops.

ALTER TABLE address_server_cluster ADD COLUMN repair_by TEXT NULL;
ALTER TABLE address_server_cluster ADD COLUMN repair_until BIGINT NULL;
