-- Who repairs Nacos's Raft groups (registry/repair.ts), and until when nothing need be heard of it.

ALTER TABLE address_server_cluster ADD COLUMN repair_by TEXT;
ALTER TABLE address_server_cluster ADD COLUMN repair_until INTEGER;
