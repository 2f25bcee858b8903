// Which tags of a namespace may be set, moved and deleted, and by whom. Private to the module.
#pragma once

#include <string_view>
#include <vector>

#include "registry/registry.h"

namespace pratique::registry {

// A whole tag against a pattern in which "*" stands for any text, also none; everything else stands for itself.
bool matches(std::string_view pattern, std::string_view tag);

// Before `tag` of `repository` comes to stand for `digest`: Denied for a protected tag unless `who` is an
// administrator, Conflict for an immutable one that stands for something else. `target`: the approved namespace that a
// staging push is meant for, or null; its immutable tags bind already the push, so that the pusher hears of it and no
// reviewer has to.
Status may_set_tag(db::Transaction& tx, const Namespace& space, const Namespace* target, const identity::Principal& who,
                   const oci::RepositoryName& repository, const oci::Tag& tag, const oci::Digest& digest);
// Before a tag goes, by itself or with its manifest.
Status may_delete_tag(const Namespace& space, const identity::Principal& who, std::string_view tag);
// Before a promotion sets `tag`: the rule of the approved namespace itself.
Status may_promote_tag(db::Transaction& tx, const Namespace& approved, const oci::RepositoryName& repository,
                       const oci::Tag& tag, const oci::Digest& digest);

}  // namespace pratique::registry
