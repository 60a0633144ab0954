-- How servers agree on a change of a list (registry/agreement.ts): up to which change lists may be sent (clock.released),
-- up to which a server has every change (replica.seen) and sends no list that one of them replaced (replica.promised),
-- since when nobody waits for it (replica.revoked_at; 0 while all do), and how many of its transactions were confirmed at
-- least (replica.written). A program of schema version 2 agrees in another way and must not go on beside this one: it
-- fails without seen_change, and the others wait for it as for any server that has lost the database.

ALTER TABLE address_server_clock ADD COLUMN IF NOT EXISTS released BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica ADD COLUMN IF NOT EXISTS seen BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica ADD COLUMN IF NOT EXISTS promised BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica ADD COLUMN IF NOT EXISTS revoked_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica ADD COLUMN IF NOT EXISTS written BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address_server_replica DROP COLUMN IF EXISTS seen_change;
