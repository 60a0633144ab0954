-- MySQL 5.7 and later, MariaDB 10.6 and later. Each statement commits by itself, so each can be repeated: a migration
-- that was interrupted is simply run again.
--
-- Times are milliseconds on the hearing clock, but for those that end in _ms: milliseconds since 1970, hearing_ms
-- excepted. Names, addresses and ids are ASCII, and A is not a.
--
-- No foreign keys: a row that refers to a cluster's row would lock that, and the leases, which are written all the
-- time, must not wait for a decision that has the cluster's row locked. The program removes what belongs to a cluster.

-- One row.
CREATE TABLE IF NOT EXISTS address_server_clock (
  `one` TINYINT NOT NULL PRIMARY KEY,
  hearing_ms BIGINT NOT NULL,
  database_ms BIGINT NOT NULL,
  grace_until BIGINT NOT NULL,
  changes BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO address_server_clock (`one`, hearing_ms, database_ms, grace_until, changes) VALUES (1, 0, 0, 0, 0);

CREATE TABLE IF NOT EXISTS address_server_replica (
  id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seen_at BIGINT NOT NULL,
  seen_change BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS address_server_cluster (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  product VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `name` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  epoch INT NOT NULL,
  revision INT NOT NULL,
  changed_at BIGINT NOT NULL,
  `size` INT NOT NULL,
  quorum_lost TINYINT NOT NULL,
  `version` BIGINT NOT NULL,
  change_seq BIGINT NOT NULL,
  list_seq BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  UNIQUE KEY address_server_cluster_name (product, `name`),
  KEY address_server_cluster_change (change_seq)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- position keeps the order of joining, in which the list is served.
CREATE TABLE IF NOT EXISTS address_server_member (
  cluster_id INT NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `position` INT NOT NULL,
  stable_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
  expect INT,
  `source` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  joined_at BIGINT NOT NULL,
  joined_revision INT NOT NULL,
  known_since BIGINT,
  settled TINYINT NOT NULL,
  presence VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  presence_since BIGINT NOT NULL,
  PRIMARY KEY (cluster_id, address)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS address_server_waiting (
  cluster_id INT NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `position` INT NOT NULL,
  stable_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
  expect INT,
  `source` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (cluster_id, address)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS address_server_departed (
  cluster_id INT NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  left_at BIGINT NOT NULL,
  quiet_until BIGINT NOT NULL,
  PRIMARY KEY (cluster_id, address)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS address_server_lease (
  cluster_id INT NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  heard_at BIGINT NOT NULL,
  alive_at BIGINT NOT NULL,
  refused_at BIGINT NOT NULL,
  delivered INT NOT NULL,
  delivered_at BIGINT NOT NULL,
  polls TINYINT NOT NULL,
  PRIMARY KEY (cluster_id, address)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- By the cluster's name: the history outlives its row.
CREATE TABLE IF NOT EXISTS address_server_event (
  seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  time_ms BIGINT NOT NULL,
  product VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `name` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `type` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address VARCHAR(262) CHARACTER SET ascii COLLATE ascii_bin,
  revision INT NOT NULL,
  reason TEXT NOT NULL,
  KEY address_server_event_cluster (product, `name`, seq)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
