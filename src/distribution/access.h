// Who may do what in which namespace: the table of distribution.h as code. Private to the module.
#pragma once

#include <string>

#include "distribution/target.h"
#include "identity/identity.h"
#include "registry/registry.h"

namespace pratique::distribution {

enum class Reading {
  Free,      // open: any user
  Admitted,  // approved: what the gate admits
  Closed,    // staging: nobody
};
Reading reading_of(const registry::Namespace& space);

// What somebody with temporary keys may ask for at all: to push into the one repository those are for. Ok for everybody
// else; the questions below are still to be asked.
Status may_reach(const identity::Principal& who, const Target& target, std::string_view method);
// Denied, in words that say what to do instead.
Status may_push(const identity::Principal& who, const registry::Namespace& space,
                const oci::RepositoryName& repository);
// Deleting is for those who may push, in open namespaces only: a submission is a record.
Status may_delete(const identity::Principal& who, const registry::Namespace& space,
                  const oci::RepositoryName& repository);
// What a person reads who tries to pull from staging.
std::string closed_words(const registry::Namespace& space, const oci::RepositoryName& repository);

}  // namespace pratique::distribution
