-- Times are milliseconds on the hearing clock (clock.hearing_ms), but for columns in _ms: milliseconds since 1970,
-- clock.hearing_ms apart. Every statement can be repeated, since MySQL commits each change of the schema by itself.
-- There are no foreign keys: their checks would make the writing of renewals wait for a decision's lock on the
-- cluster's row.

CREATE TABLE IF NOT EXISTS address_server_clock (
  one TINYINT NOT NULL PRIMARY KEY,
  hearing_ms BIGINT NOT NULL,
  database_ms BIGINT NOT NULL,
  grace_until BIGINT NOT NULL,
  changes BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

INSERT IGNORE INTO address_server_clock (one, hearing_ms, database_ms, grace_until, changes) VALUES (1, 0, 0, 0, 0);

CREATE TABLE IF NOT EXISTS address_server_replica (
  id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seen_at BIGINT NOT NULL,
  seen_change BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

CREATE TABLE IF NOT EXISTS address_server_cluster (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  product VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  epoch BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  size INT NOT NULL,
  quorum_lost TINYINT NOT NULL,
  version BIGINT NOT NULL,
  change_seq BIGINT NOT NULL,
  list_seq BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  UNIQUE KEY address_server_cluster_name (product, name),
  KEY address_server_cluster_change (change_seq)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

-- position keeps the order of joining, in which the list is served.
CREATE TABLE IF NOT EXISTS address_server_member (
  cluster_id BIGINT NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `position` BIGINT NOT NULL,
  stable_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
  expect INT NULL,
  source VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  joined_at BIGINT NOT NULL,
  joined_revision BIGINT NOT NULL,
  known_since BIGINT NULL,
  settled TINYINT NOT NULL,
  presence VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  presence_since BIGINT NOT NULL,
  PRIMARY KEY (cluster_id, address)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

CREATE TABLE IF NOT EXISTS address_server_waiting (
  cluster_id BIGINT NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `position` BIGINT NOT NULL,
  stable_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
  expect INT NULL,
  source VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (cluster_id, address)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

CREATE TABLE IF NOT EXISTS address_server_departed (
  cluster_id BIGINT NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  left_at BIGINT NOT NULL,
  quiet_until BIGINT NOT NULL,
  PRIMARY KEY (cluster_id, address)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

-- What was heard of an address, whether it is a member, waits or has left.
CREATE TABLE IF NOT EXISTS address_server_lease (
  cluster_id BIGINT NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  heard_at BIGINT NOT NULL,
  open_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  refused_at BIGINT NOT NULL,
  delivered BIGINT NOT NULL,
  delivered_at BIGINT NOT NULL,
  polls TINYINT NOT NULL,
  written_at BIGINT NOT NULL,
  writer BIGINT NOT NULL,
  PRIMARY KEY (cluster_id, address)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

CREATE TABLE IF NOT EXISTS address_server_event (
  seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  time_ms BIGINT NOT NULL,
  product VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `type` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin NULL,
  revision BIGINT NOT NULL,
  reason TEXT CHARACTER SET utf8mb4 NOT NULL,
  KEY address_server_event_cluster (product, name, seq)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
