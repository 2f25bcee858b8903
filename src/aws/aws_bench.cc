#include "aws/aws.h"

#include <benchmark/benchmark.h>

#include "aws/test_request.h"

namespace pratique::aws {

namespace {

using namespace testing;

void BM_VerifySignature(benchmark::State& state) {
  auto request = signed_identity();
  for (auto _ : state) benchmark::DoNotOptimize(judge(request));
}
BENCHMARK(BM_VerifySignature);

void BM_DeriveKey(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(derive_key("sk", "20261120", "us-east-1", "sts"));
}
BENCHMARK(BM_DeriveKey);

void BM_ParseInput(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(
        parse_input("DescribeImages", R"({"repositoryName":"nextflow-approved/ann","imageIds":[{"imageTag":"1"}]})"));
}
BENCHMARK(BM_ParseInput);

}  // namespace

}  // namespace pratique::aws
