#include "registry/schema.h"

namespace pratique::registry {

namespace {

constexpr db::Migration kMigrations[] = {
    {"registry", 1, R"sql(
-- A row for every repository that ever took something in. Its namespace (first component) is configuration, not data.
CREATE TABLE repositories (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL
) STRICT;

-- Blobs that are whole and durable in the store. Written after the store's rename and deleted before its unlink, so a
-- crash leaves bytes without a row (swept later) and never a row without bytes.
CREATE TABLE blobs (
  digest TEXT PRIMARY KEY,
  size   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which blobs may be named in which repository: the only road from a repository's name to bytes.
CREATE TABLE repository_blobs (
  repository INTEGER NOT NULL REFERENCES repositories(id),
  blob       TEXT NOT NULL REFERENCES blobs(digest),
  PRIMARY KEY (repository, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX repository_blobs_by_blob ON repository_blobs (blob);

-- Who has proved to hold a blob's bytes by sending them. A staging HEAD answers from here alone, so that nobody learns
-- what somebody else has pushed.
CREATE TABLE possession (
  principal TEXT NOT NULL,
  blob      TEXT NOT NULL REFERENCES blobs(digest),
  PRIMARY KEY (principal, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX possession_by_blob ON possession (blob);

-- Manifest bytes, exactly as pushed, once for all repositories.
CREATE TABLE manifests (
  digest TEXT PRIMARY KEY,
  bytes  BLOB NOT NULL
) STRICT;

-- A manifest as one repository knows it. The media type belongs here: equal bytes may be pushed under two types, and
-- one tenant's choice must not change another's answer.
CREATE TABLE repository_manifests (
  id            INTEGER PRIMARY KEY,
  repository    INTEGER NOT NULL REFERENCES repositories(id),
  digest        TEXT NOT NULL REFERENCES manifests(digest),
  media_type    TEXT NOT NULL,
  size          INTEGER NOT NULL,
  artifact_type TEXT NOT NULL,  -- as the referrers list shows it; '' for none
  annotations   TEXT NOT NULL,  -- JSON object
  subject       TEXT,           -- digest; need not exist (distribution-spec "Referrers")
  pushed        INTEGER NOT NULL,
  UNIQUE (repository, digest)
) STRICT;
CREATE INDEX repository_manifests_by_subject ON repository_manifests (repository, subject, digest)
  WHERE subject IS NOT NULL;
CREATE INDEX repository_manifests_by_digest ON repository_manifests (digest);

-- What a manifest needs to be whole. Foreign layers are not listed: their bytes are elsewhere.
CREATE TABLE manifest_references (
  manifest INTEGER NOT NULL REFERENCES repository_manifests(id) ON DELETE CASCADE,
  kind     INTEGER NOT NULL,  -- 0 blob, 1 child manifest
  digest   TEXT NOT NULL,
  PRIMARY KEY (manifest, kind, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_references_by_digest ON manifest_references (digest);

CREATE TABLE tags (
  repository INTEGER NOT NULL REFERENCES repositories(id),
  name       TEXT NOT NULL,
  manifest   INTEGER NOT NULL REFERENCES repository_manifests(id) ON DELETE CASCADE,
  updated    INTEGER NOT NULL,
  PRIMARY KEY (repository, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_manifest ON tags (manifest);

-- Upload sessions that have acknowledged bytes. The bytes are the store's; the id is the same.
CREATE TABLE uploads (
  id         TEXT PRIMARY KEY,
  repository TEXT NOT NULL,
  principal  TEXT NOT NULL,
  touched    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every image that arrived in a staging namespace. Never deleted: submissions refer to it for good.
CREATE TABLE staged_images (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  repository TEXT NOT NULL,
  tag        TEXT NOT NULL,
  digest     TEXT NOT NULL,
  submitter  TEXT NOT NULL,
  staged     INTEGER NOT NULL
) STRICT;
)sql"},
    {"registry", 2, R"sql(
-- Since when a blob is linked here, by whom (NULL: by promotion; it counts for nobody's quota), and since when it is
-- condemned: no manifest named it for long, and unless somebody is told meanwhile that it is here, it goes (collect.cc).
ALTER TABLE repository_blobs ADD COLUMN linked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repository_blobs ADD COLUMN owner TEXT;
ALTER TABLE repository_blobs ADD COLUMN condemned INTEGER;
CREATE INDEX repository_blobs_due ON repository_blobs (condemned) WHERE condemned IS NOT NULL;
CREATE INDEX repository_blobs_condemned ON repository_blobs (blob) WHERE condemned IS NOT NULL;

-- With the repository in it, "who here names this blob?" is one step down an index even for a base layer that a
-- hundred thousand manifests elsewhere name.
ALTER TABLE manifest_references ADD COLUMN repository INTEGER NOT NULL DEFAULT 0;
UPDATE manifest_references SET repository = (SELECT repository FROM repository_manifests WHERE id = manifest);
DROP INDEX manifest_references_by_digest;
CREATE INDEX manifest_references_by_name ON manifest_references (repository, digest, kind);

-- When its bytes were found not to match: they are moved aside, nobody is told that they are here, a new push heals.
ALTER TABLE blobs ADD COLUMN damaged INTEGER;
CREATE INDEX blobs_damaged ON blobs (digest) WHERE damaged IS NOT NULL;

CREATE INDEX staged_images_by_image ON staged_images (repository, digest);
CREATE INDEX uploads_by_touched ON uploads (touched);

-- Where the long walks over everything stand.
CREATE TABLE registry_cursors (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Bytes linked, kept by the triggers below so that no path can forget them: by principal (kind 0) and by namespace
-- (kind 1). Updated inside the one write transaction that a push takes anyway: no lock of their own.
CREATE TABLE usage (
  kind  INTEGER NOT NULL,
  name  TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  links INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
INSERT INTO usage (kind, name, bytes, links)
  SELECT 1, substr(r.name, 1, instr(r.name || '/', '/') - 1), sum(b.size), count(*)
  FROM repository_blobs l JOIN repositories r ON r.id = l.repository JOIN blobs b ON b.digest = l.blob GROUP BY 2;
CREATE TRIGGER usage_grows AFTER INSERT ON repository_blobs BEGIN
  INSERT INTO usage (kind, name, bytes, links)
    SELECT 1, substr(r.name, 1, instr(r.name || '/', '/') - 1), b.size, 1
    FROM repositories r JOIN blobs b ON b.digest = NEW.blob WHERE r.id = NEW.repository
    ON CONFLICT (kind, name) DO UPDATE SET bytes = bytes + excluded.bytes, links = links + 1;
  INSERT INTO usage (kind, name, bytes, links)
    SELECT 0, NEW.owner, b.size, 1 FROM blobs b WHERE b.digest = NEW.blob AND NEW.owner IS NOT NULL
    ON CONFLICT (kind, name) DO UPDATE SET bytes = bytes + excluded.bytes, links = links + 1;
END;
CREATE TRIGGER usage_shrinks AFTER DELETE ON repository_blobs BEGIN
  UPDATE usage SET bytes = bytes - (SELECT size FROM blobs WHERE digest = OLD.blob), links = links - 1
    WHERE kind = 1 AND name = (SELECT substr(name, 1, instr(name || '/', '/') - 1) FROM repositories
                               WHERE id = OLD.repository);
  UPDATE usage SET bytes = bytes - (SELECT size FROM blobs WHERE digest = OLD.blob), links = links - 1
    WHERE kind = 0 AND name = OLD.owner;
END;
)sql"},
};

}  // namespace

std::span<const db::Migration> schema_migrations() {
  return kMigrations;
}

}  // namespace pratique::registry
