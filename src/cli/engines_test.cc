#include "cli/engines.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace pratique::cli {
namespace {

TEST(slurm_script, says_what_the_node_runs_and_quotes_it) {
  auto script = slurm_script({.name = "x/My Tool:1",
                              .cores = 1.5,
                              .memory_bytes = 1ull << 30,
                              .time = std::chrono::seconds(61),
                              .array = "0-9",
                              .log = "/l/%A_%a.log",
                              .words = {"pratique", "run", "it's", "$HOME", "; rm -rf /"}});
  EXPECT_EQ(
      script,
      "#!/bin/sh\n#SBATCH --job-name=my-tool-1\n#SBATCH --cpus-per-task=2\n#SBATCH --mem=1280M\n#SBATCH --time=3\n"
      "#SBATCH --array=0-9\n#SBATCH --output=/l/%A_%a.log\n#SBATCH --open-mode=append\n"
      "exec 'pratique' 'run' 'it'\\''s' '$HOME' '; rm -rf /'\n");
}

TEST(slurm_array, is_numbers_only) {
  for (auto text : {"0-9", "1,3,5-7", "0-99%4", "0-8:2"}) EXPECT_TRUE(check_array(text).ok()) << text;
  for (auto text : {"", "a", "1;ls", "0-9\n#SBATCH --uid=0", "$(x)"}) EXPECT_FALSE(check_array(text).ok()) << text;
}

TEST(kubernetes_job, has_what_the_cluster_demands) {
  RunRequest request;
  request.image = "gate.example.org/nextflow-approved/ann:1.0";
  request.project = "p1";
  request.job.cores = 2;
  request.job.args = {"--fast"};
  auto job = kubernetes_job(request, "nsh", 1);
  EXPECT_EQ(job["metadata"]["generateName"].text(), "ann-");
  EXPECT_FALSE(job["metadata"].has("name"));
  EXPECT_EQ(job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"].text(), "nsh-p1-ns-user-queue");
  const auto& pod = job["spec"]["template"]["spec"];
  const auto& container = pod["containers"].items().at(0);
  for (auto list : {"requests", "limits"}) {
    EXPECT_EQ(container["resources"][list]["cpu"].text(), "2000m") << list;
    EXPECT_EQ(container["resources"][list]["memory"].text(), "4096Mi") << list;
  }
  EXPECT_FALSE(container["resources"]["requests"].has("nvidia.com/gpu"));
  EXPECT_EQ(container["resources"]["limits"]["nvidia.com/gpu"].as_int(), 1);
  EXPECT_EQ(container["securityContext"]["runAsNonRoot"].as_bool(), true);
  EXPECT_EQ(container["volumeMounts"].items().at(0)["readOnly"].as_bool(), true);
  EXPECT_EQ(pod["restartPolicy"].text(), "Never");
}

}  // namespace
}  // namespace pratique::cli
