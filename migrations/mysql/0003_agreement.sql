-- How servers agree on a change of a list (registry/agreement.ts): up to which change lists may be sent (clock.released),
-- up to which a server has every change (replica.seen) and sends no list that one of them replaced (replica.promised),
-- since when nobody waits for it (replica.revoked_at; 0 while all do), and how many of its transactions were confirmed at
-- least (replica.written). A program of schema version 2 agrees in another way and must not go on beside this one: it
-- fails without seen_change, and the others wait for it as for any server that has lost the database. MySQL has no
-- IF EXISTS of a column: the migrator passes over one that is there, and over one that is gone.

ALTER TABLE address_server_clock ADD COLUMN released BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica ADD COLUMN promised BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica ADD COLUMN revoked_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica ADD COLUMN written BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica DROP COLUMN seen_change;
