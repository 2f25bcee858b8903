#include "identity/keys.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "base/encoding.h"
#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::identity {

namespace {

constexpr std::string_view kFirstLine = "pratique-keys 1";
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;  // random: far fewer than 2^32 secrets are ever sealed under one key
constexpr std::size_t kTagBytes = 16;
// A file holds two keys while they change, one otherwise.
constexpr std::size_t kKeysMax = 64;
constexpr std::size_t kFileBytesMax = 16 << 10;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
int length_of(std::string_view text) {
  return static_cast<int>(text.size());
}

Status check_is_private(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return from_errno("looking at " + path, errno);
  if ((found.st_mode & 077) != 0)
    return denied(format("{} holds keys and others may read it: run `chmod 600 {}`", path, path));
  return {};
}

}  // namespace

KeyRing::Key KeyRing::make_key() {
  return {.id = random_bytes(kIdBytes), .bytes = random_bytes(kKeyBytes)};
}

Result<KeyRing> KeyRing::open(const std::string& path) {
  KeyRing ring;
  ring.path_ = path;
  if (path.empty() || !os::exists(path)) {
    ring.keys_.push_back(make_key());
    if (!path.empty()) TRY(write(path, ring.keys_));
    return ring;
  }
  TRY(check_is_private(path));
  std::string text = TRY(os::read_file(path, kFileBytesMax));
  ring.keys_ = TRY(parse(text).with_context("reading " + path));
  return ring;
}

Result<std::vector<KeyRing::Key>> KeyRing::parse(std::string_view text) {
  std::vector<Key> keys;
  auto lines = split(text, '\n');
  if (lines.empty() || lines.front() != kFirstLine || lines.back() != "")
    return corrupt("this is no key file; put the right one back from your backup");
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    auto parts = cut(lines[i], " ");
    auto id = from_hex(parts ? parts->first : "");
    auto key = from_hex(parts ? parts->second : "");
    if (!id.ok() || id->size() != kIdBytes || !key.ok() || key->size() != kKeyBytes)
      return corrupt(format("line {} is no key; put the right file back from your backup", i + 1));
    keys.push_back({*id, *key});
  }
  if (keys.empty() || keys.size() > kKeysMax) return corrupt(format("there are 1 to {} keys in a key file", kKeysMax));
  return keys;
}

Status KeyRing::write(const std::string& path, const std::vector<Key>& keys) {
  std::string text = format("{}\n", kFirstLine);
  for (const Key& key : keys) text += format("{} {}\n", to_hex(as_bytes(key.id)), to_hex(as_bytes(key.bytes)));
  return os::write_file(path, text, 0600);
}

std::string KeyRing::seal(std::string_view secret, std::string_view label) const {
  const Key& key = keys_.front();
  std::string nonce = random_bytes(kNonceBytes);
  std::string sealed(secret.size(), '\0');
  std::string tag(kTagBytes, '\0');
  Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  bool is_done = context &&
                 EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key.bytes), bytes_of(nonce)) &&
                 EVP_EncryptUpdate(context.get(), nullptr, &written, bytes_of(label), length_of(label)) &&
                 EVP_EncryptUpdate(context.get(), bytes_of(sealed), &written, bytes_of(secret), length_of(secret)) &&
                 EVP_EncryptFinal_ex(context.get(), nullptr, &written) &&
                 EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data());
  CHECK(is_done, "AES-256-GCM seals");
  return key.id + nonce + sealed + tag;
}

Result<std::string> KeyRing::unseal(std::string_view sealed, std::string_view label) const {
  Error broken = corrupt("a sealed secret does not open: the key file is another one, or the row was changed");
  if (sealed.size() < kIdBytes + kNonceBytes + kTagBytes) return broken;
  const Key* key = nullptr;
  for (const Key& one : keys_)
    if (one.id == sealed.substr(0, kIdBytes)) key = &one;
  if (!key) return broken;
  std::string_view nonce = sealed.substr(kIdBytes, kNonceBytes);
  std::string_view body = sealed.substr(kIdBytes + kNonceBytes);
  std::string tag(body.substr(body.size() - kTagBytes));
  body.remove_suffix(kTagBytes);
  std::string secret(body.size(), '\0');
  Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  bool is_open = context &&
                 EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key->bytes), bytes_of(nonce)) &&
                 EVP_DecryptUpdate(context.get(), nullptr, &written, bytes_of(label), length_of(label)) &&
                 EVP_DecryptUpdate(context.get(), bytes_of(secret), &written, bytes_of(body), length_of(body)) &&
                 EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) &&
                 EVP_DecryptFinal_ex(context.get(), nullptr, &written) > 0;
  if (!is_open) return broken;
  return secret;
}

Status KeyRing::add_key() {
  if (keys_.size() == kKeysMax) return conflict("too many key changes since the start: restart the gate first");
  std::vector<Key> keys = keys_;
  keys.insert(keys.begin(), make_key());
  if (!path_.empty()) TRY(write(path_, keys));
  keys_ = std::move(keys);
  return {};
}

Status KeyRing::drop_old_keys_from_file() const {
  return path_.empty() ? Status() : write(path_, {keys_.front()});
}

}  // namespace pratique::identity
