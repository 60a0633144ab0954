-- Who repairs Nacos's Raft groups (registry/repair.ts), until when nothing need be heard of it, and whether
-- an operator recovered the list and Raft has not been repaired since.

ALTER TABLE address_server_cluster ADD COLUMN repair_by TEXT;
ALTER TABLE address_server_cluster ADD COLUMN repair_until INTEGER;
ALTER TABLE address_server_cluster ADD COLUMN awaits_repair INTEGER NOT NULL DEFAULT 0;
