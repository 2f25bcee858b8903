#include "gate/gate.h"

namespace pratique::gate {

namespace {

constexpr db::Migration kMigrations[] = {
    {"gate", 1, R"sql(
-- One row a push by tag into a staging namespace. The state column is the whole truth about where it is: what a worker
-- has to do next follows from it alone, so that a crash loses nothing but time.
CREATE TABLE gate_submissions (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL UNIQUE,
  staged_id  INTEGER NOT NULL UNIQUE,  -- the registry's staged image
  state      TEXT NOT NULL CHECK (state IN
             ('staged', 'scanned', 'approved', 'waiting', 'rejected', 'expired', 'revoked', 'superseded')),
  submitter  TEXT NOT NULL,
  repository TEXT NOT NULL,
  tag        TEXT NOT NULL,
  digest     TEXT NOT NULL,
  staged     INTEGER NOT NULL,
  decision   TEXT,                     -- JSON, the latest
  decided    INTEGER,
  reviewer   TEXT NOT NULL DEFAULT '',
  note       TEXT NOT NULL DEFAULT '',
  approved_repository TEXT,
  expires    INTEGER,
  counts     TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX gate_submissions_by_name ON gate_submissions (repository, tag);
CREATE INDEX gate_submissions_by_state ON gate_submissions (state);
CREATE INDEX gate_submissions_by_submitter ON gate_submissions (submitter);

-- The latest scan report of each image of a submission: one, or one a platform of an index. `digest` is the manifest
-- that was judged, so these are also the manifests an approval admits.
CREATE TABLE gate_reports (
  submission INTEGER NOT NULL REFERENCES gate_submissions(number),
  part       INTEGER NOT NULL,
  digest     TEXT NOT NULL,
  report     TEXT NOT NULL,
  PRIMARY KEY (submission, part)
) STRICT;

CREATE TABLE gate_waivers (
  number         INTEGER PRIMARY KEY AUTOINCREMENT,
  id             TEXT NOT NULL UNIQUE,
  finding        TEXT NOT NULL,
  package        TEXT NOT NULL,
  image          TEXT NOT NULL,
  owner          TEXT NOT NULL,
  owner_is_admin INTEGER NOT NULL,
  reason         TEXT NOT NULL,
  granted        INTEGER NOT NULL,
  expires        INTEGER NOT NULL
) STRICT;

-- The right to read. Bound to digests; the tag only says what a person may call it.
CREATE TABLE gate_admissions (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  submission INTEGER NOT NULL REFERENCES gate_submissions(number),
  repository TEXT NOT NULL,
  tag        TEXT NOT NULL,
  digest     TEXT NOT NULL,
  granted    INTEGER NOT NULL,
  expires    INTEGER NOT NULL,
  ended      INTEGER,
  ending     TEXT CHECK (ending IN ('expired', 'revoked'))
) STRICT;
CREATE INDEX gate_admissions_by_tag ON gate_admissions (repository, tag);
CREATE INDEX gate_admissions_by_digest ON gate_admissions (repository, digest);
CREATE INDEX gate_admissions_open ON gate_admissions (expires) WHERE ended IS NULL;

-- The manifests an admission covers: its own, and the judged children of an index. No other child of it.
CREATE TABLE gate_admitted_manifests (
  admission INTEGER NOT NULL REFERENCES gate_admissions(number),
  digest    TEXT NOT NULL,
  PRIMARY KEY (admission, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX gate_admitted_manifests_by_digest ON gate_admitted_manifests (digest);
)sql"},
    {"gate", 2, "ALTER TABLE gate_submissions ADD COLUMN conditions TEXT NOT NULL DEFAULT '[]';  -- JSON"},
};

}  // namespace

std::span<const db::Migration> Gate::migrations() {
  return kMigrations;
}

}  // namespace pratique::gate
