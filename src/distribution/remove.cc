// Deletes: open namespaces only.
#include "distribution/access.h"
#include "distribution/errors.h"
#include "distribution/impl.h"

namespace pratique::distribution {

http::Response Distribution::Impl::delete_manifest(Call& call) {
  const auto reference = oci::parse_manifest_reference(call.last);
  if (!reference.ok()) return problem(reference.error(), Subject::Manifest);
  Status status = may_delete(call.who, call.space, call.repository);
  if (status.ok()) status = registry.delete_manifest(call.who, call.repository, *reference);
  return status.ok() ? http::Response{.status = 202} : problem(status.error(), Subject::Manifest);
}

http::Response Distribution::Impl::delete_blob(Call& call) {
  const auto digest = oci::Digest::parse(call.last);
  if (!digest.ok()) return problem(digest.error(), Subject::Blob);
  Status status = may_delete(call.who, call.space, call.repository);
  if (status.ok()) status = registry.unlink_blob(call.who, call.repository, *digest);
  return status.ok() ? http::Response{.status = 202} : problem(status.error(), Subject::Blob);
}

}  // namespace pratique::distribution
