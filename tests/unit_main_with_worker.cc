// The main of unit test binaries that catalogue layers: the sandboxed worker is this same program, started again.
#include <gtest/gtest.h>

#include "scan/scan.h"

int main(int argc, char** argv) {
  if (auto code = pratique::scan::run_worker_if_asked(argc, argv)) return *code;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
