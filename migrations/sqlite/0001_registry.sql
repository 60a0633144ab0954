-- Times are milliseconds on the hearing clock (clock.hearing_ms), but for event.time_ms: milliseconds since 1970.

CREATE TABLE address_server_clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  hearing_ms INTEGER NOT NULL
);
INSERT INTO address_server_clock (one, hearing_ms) VALUES (1, 0);

CREATE TABLE address_server_cluster (
  id INTEGER PRIMARY KEY,
  product TEXT NOT NULL,
  name TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  size INTEGER NOT NULL,
  quorum_lost INTEGER NOT NULL,
  UNIQUE (product, name)
);

-- position keeps the order of joining, in which the list is served.
CREATE TABLE address_server_member (
  cluster_id INTEGER NOT NULL REFERENCES address_server_cluster (id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  position INTEGER NOT NULL,
  stable_id TEXT,
  expect INTEGER,
  source TEXT NOT NULL CHECK (source IN ('poll', 'heartbeat', 'static')),
  joined_at INTEGER NOT NULL,
  joined_revision INTEGER NOT NULL,
  known_since INTEGER,
  settled INTEGER NOT NULL,
  presence TEXT NOT NULL CHECK (presence IN ('live', 'silent', 'down')),
  presence_since INTEGER NOT NULL,
  PRIMARY KEY (cluster_id, address)
) WITHOUT ROWID;

CREATE TABLE address_server_waiting (
  cluster_id INTEGER NOT NULL REFERENCES address_server_cluster (id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  position INTEGER NOT NULL,
  stable_id TEXT,
  expect INTEGER,
  source TEXT NOT NULL CHECK (source IN ('poll', 'heartbeat')),
  since INTEGER NOT NULL,
  PRIMARY KEY (cluster_id, address)
) WITHOUT ROWID;

CREATE TABLE address_server_departed (
  cluster_id INTEGER NOT NULL REFERENCES address_server_cluster (id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  left_at INTEGER NOT NULL,
  quiet_until INTEGER NOT NULL,
  PRIMARY KEY (cluster_id, address)
) WITHOUT ROWID;

-- What was heard of an address, whether it is a member, waits or has left.
CREATE TABLE address_server_lease (
  cluster_id INTEGER NOT NULL REFERENCES address_server_cluster (id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  heard_at INTEGER NOT NULL,
  open_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  refused_at INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  delivered_at INTEGER NOT NULL,
  polls INTEGER NOT NULL,
  PRIMARY KEY (cluster_id, address)
) WITHOUT ROWID;

-- Not tied to a cluster's row: the history outlives it. AUTOINCREMENT: a number is never used twice.
CREATE TABLE address_server_event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms INTEGER NOT NULL,
  product TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  address TEXT,
  revision INTEGER NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX address_server_event_cluster ON address_server_event (product, name, seq);
