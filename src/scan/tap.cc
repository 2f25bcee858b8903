#include "base/log.h"
#include "scan/scan.h"

namespace pratique::scan {

namespace {

// Losing a worker or an inventory costs a second reading later; it must not cost the upload.
class CataloguingTap final : public store::Tap {
 public:
  CataloguingTap(Cataloguer& cataloguer, InventoryStore& inventories)
      : cataloguer_(cataloguer), inventories_(inventories) {}

  void on_bytes(Bytes bytes) override {
    if (failed_) return;
    if (!scan_ && !start()) return;
    scan_->feed(bytes);
  }

  void on_commit(const oci::Digest& digest) override {
    if (!scan_) return;
    auto stored = inventories_.put(scan_->finish(digest));
    scan_.reset();
    if (!stored.ok())
      log::warn("inventory not kept", {{"layer", digest.to_string()}, {"problem", stored.error().message()}});
  }

 private:
  bool start() {
    auto scan = cataloguer_.start();
    if (scan.ok()) {
      scan_.emplace(std::move(*scan));
      return true;
    }
    failed_ = true;
    log::warn("cataloguing not started", {{"problem", scan.error().message()}});
    return false;
  }

  Cataloguer& cataloguer_;
  InventoryStore& inventories_;
  std::optional<LayerScan> scan_;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<store::Tap> make_tap(Cataloguer& cataloguer, InventoryStore& inventories) {
  return std::make_unique<CataloguingTap>(cataloguer, inventories);
}

}  // namespace pratique::scan
