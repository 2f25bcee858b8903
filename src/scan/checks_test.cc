#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "scan/extractors/extractors.h"
#include "scan/test_archive.h"

namespace pratique::scan {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// -- program sources -------------------------------------------------------------------------------------------------
std::vector<std::string> notes(std::string_view path, std::string_view content) {
  const auto* extractor = extractor_for(path);
  Extract out;
  if (extractor) extractor->extract(path, content, out);
  std::vector<std::string> lines;
  for (const auto& note : out.notes) lines.push_back(format("{}:{}", note.line, note.text));
  return lines;
}
std::vector<std::string> python(std::string_view content) {
  return notes("app/main.py", content);
}

TEST(Sources, AreWhatSomebodyInTheProjectWrote) {
  for (auto path : {"app/main.py", "srv/a.R", "home/x/doc.qmd", "opt/tool/run.jl"})
    EXPECT_TRUE(wants_sources(path)) << path;
  for (auto path :
       {"usr/lib/python3/os.py", "app/venv/lib/x.py", "opt/conda/a.py", "a/site-packages/b.py", "app/main.pyc"})
    EXPECT_FALSE(wants_sources(path)) << path;
}
TEST(Sources, CallsThatNeedANetworkAreNotedWithTheirLine) {
  EXPECT_THAT(python("import x\nm = Auto.from_pretrained('bert-base')\n"),
              ElementsAre("2:from_pretrained(\"bert-base\")"));
  EXPECT_THAT(python("r = requests.get('https://example.org/x')"),
              ElementsAre("1:requests.get(\"https://example.org/x\")"));
  EXPECT_THAT(python("URL = \"https://example.org/x\""), ElementsAre("1:https://example.org/x"));
  EXPECT_THAT(python("run('pip install numpy')"), ElementsAre("1:pip install numpy"));
  EXPECT_THAT(notes("a.R", "install.packages(\"dplyr\")\nx <- \"http://a.b/c\""),
              ElementsAre("1:install.packages(\"dplyr\")", "2:http://a.b/c"));
  EXPECT_THAT(notes("a.R", "remotes::install_github('a/b')"), ElementsAre("1:install_github(\"a/b\")"));
  EXPECT_THAT(notes("a.jl", "Pkg.add(\"CSV\")"), ElementsAre("1:Pkg.add(\"CSV\")"));
}
TEST(Sources, CommentsDocstringsPathsAndLocalModelsAreNot) {
  EXPECT_THAT(python("# see https://example.org\n"), IsEmpty());
  EXPECT_THAT(python("\"\"\"Documented at\nhttps://example.org\n\"\"\"\nx = 'https'\n"), IsEmpty());
  EXPECT_THAT(python("'https://example.org'\n"), IsEmpty()) << "a literal that stands alone";
  EXPECT_THAT(python("A.from_pretrained('/safe_data/bert')"), IsEmpty());
  EXPECT_THAT(python("A.from_pretrained('bert', cache_dir='/safe_data')"), IsEmpty());
  EXPECT_THAT(python("A.from_pretrained(path)"), IsEmpty());
  EXPECT_THAT(python("requests.get(url)\nmy_from_pretrained('x')\n"), ElementsAre("1:requests.get()"));
}
TEST(Sources, AnApostropheInProseDoesNotSwallowTheFile) {
  EXPECT_THAT(notes("a.R", "x <- don't\ny <- 'http://a.b/c'"), ElementsAre("2:http://a.b/c"));
  EXPECT_THAT(notes("a.qmd", "Don't read https://a.b\n```{r}\nx <- \"http://a.b/c\"\n```\n\"http://d.e\"\n"),
              ElementsAre("3:http://a.b/c"));
}
TEST(Sources, AnEndlessFileIsNotedWithinBounds) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "x = 'http://example.org/" + std::string(500, 'a') + "'\n";
  auto all = python(text);
  EXPECT_EQ(all.size(), kNotesPerFileMax);
  EXPECT_LE(all[0].size(), kNoteBytesMax + 10);
}

// -- the checklist ---------------------------------------------------------------------------------------------------
struct Image {
  std::vector<Archive> layers;
  oci::ImageConfig config{
      .platform = {"linux", "amd64", ""}, .user = "job", .env = {"TMP=/scratch"}, .cmd = {"/app/run"}};
  std::size_t base_layers = 0;
  std::string name = "demo:1.0";
};

Archive good_layer() {
  Archive archive;
  for (auto name : {"safe_data", "safe_outputs", "scratch", "app"}) archive.directory(name);
  archive.file("app/LICENSE", "MIT");
  return archive;
}

ImageCheck check(const Image& image, std::string_view id) {
  ImageFacts facts{.image = image.name,
                   .digest = {},
                   .manifest = {.config = {"", oci::Digest::of({}), 0}},
                   .config = image.config,
                   .layers = {}};
  for (const auto& layer : image.layers) {
    auto bytes = layer.tar();
    facts.layers.push_back(read_layer(as_bytes(bytes), oci::Digest::of(as_bytes(bytes))));
    facts.config.diff_ids.push_back(*facts.layers.back().diff_id);
  }
  for (auto& one : check_image(facts, merge(facts.layers).sights, image.base_layers))
    if (one.id == id) return one;
  ADD_FAILURE() << "no check " << id;
  return {};
}

using Change = void (*)(Image&);
struct CheckRow {
  const char* id;
  const char* name;
  Change change;
  CheckState state;
};
constexpr auto kFailed = CheckState::Failed;
constexpr auto kPassed = CheckState::Passed;
constexpr auto kUnknown = CheckState::Unknown;

void add(Image& image, std::string path, std::string_view content) {
  Archive archive;
  archive.file(std::move(path), content);
  image.layers.push_back(std::move(archive));
}
void add_mode(Image& image, std::string path, std::uint32_t mode) {
  Archive archive;
  archive.header({.name = std::move(path), .size = 1, .mode = mode}).raw(padded("x"));
  image.layers.push_back(std::move(archive));
}
const std::string kLarge(8192, 'x');

const CheckRow kCheckRows[] = {
    {"D2", "lists", [](Image& i) { add(i, "var/lib/apt/lists/x_InRelease", "x"); }, kFailed},
    {"D2", "lock", [](Image& i) { add(i, "var/lib/apt/lists/lock", ""); }, kPassed},
    {"D2", "of_base", [](Image& i) { i.layers.clear(), add(i, "root/.cache/pip/x", "x"), i.base_layers = 1; }, kPassed},
    {"D4", "root", [](Image& i) { i.config.user = "root:root"; }, kFailed},
    {"D4", "nobody_named", [](Image& i) { i.config.user = ""; }, kFailed},
    {"D4", "number", [](Image& i) { i.config.user = "1000"; }, kFailed},
    {"D4", "name", [](Image& i) { i.config.user = "rooty"; }, kPassed},
    {"D5", "writable", [](Image& i) { add_mode(i, "app/run", 0775); }, kFailed},
    {"D5", "not_a_program", [](Image& i) { add_mode(i, "app/x.txt", 0666); }, kPassed},
    {"D5", "closed", [](Image& i) { add_mode(i, "app/run", 0755); }, kPassed},
    {"D7", "no_history", [](Image&) {}, kPassed},
    {"D7", "added",
     [](Image& i) {
       add(i, "a", "x");
       i.config.history = {{"", "ADD file:1 in /", "", false}, {"", "ADD main.py /app/ # buildkit", "", false}};
     },
     kFailed},
    {"D7", "copied",
     [](Image& i) {
       add(i, "a", "x");
       i.config.history = {{"", "ADD file:1 in /", "", false}, {"", "COPY main.py /ADD/ # buildkit", "", false}};
     },
     kPassed},
    {"D8", "data", [](Image& i) { add(i, "app/patients.CSV", kLarge); }, kFailed},
    {"D8", "small", [](Image& i) { add(i, "app/columns.csv", "a,b\n"); }, kPassed},
    {"D8", "of_package", [](Image& i) { add(i, "usr/lib/R/x.csv", kLarge); }, kPassed},
    {"T1", "missing",
     [](Image& i) {
       i.layers.clear();
       add(i, "safe_data/x", "x");
     },
     kFailed},
    {"T1", "there", [](Image&) {}, kPassed},
    {"T1", "a_file",
     [](Image& i) {
       i.layers.clear();
       add(i, "scratch", "x");
     },
     kFailed},
    {"T2", "unknown", [](Image&) {}, kUnknown},
    {"T2", "bare",
     [](Image& i) { i.config.labels["org.opencontainers.image.base.name"] = "docker.io/library/ubuntu:22.04"; },
     kFailed},
    {"T2", "application", [](Image& i) { i.config.labels["org.opencontainers.image.base.name"] = "x/ubuntu-python:1"; },
     kPassed},
    {"T2", "registered", [](Image& i) { i.base_layers = 1; }, kPassed},
    {"T4", "none",
     [](Image& i) {
       i.layers.clear();
       add(i, "usr/share/doc/x/copyright", "x");
     },
     kFailed},
    {"T4", "there", [](Image& i) { add(i, "app/licence.txt", "x"); }, kPassed},
    {"T5", "call", [](Image& i) { add(i, "app/a.py", "m.from_pretrained('bert')"); }, kFailed},
    {"T5", "taken_away",
     [](Image& i) {
       add(i, "app/a.py", "m.from_pretrained('bert')");
       add(i, "app/.wh.a.py", "");
     },
     kPassed},
    {"T5", "of_base",
     [](Image& i) {
       i.layers.clear();
       add(i, "app/a.py", "x = 'http://a.b'");
       i.base_layers = 1;
     },
     kPassed},
    {"T5", "entry", [](Image& i) { i.config.cmd = {"sh", "-c", "pip install x && python y"}; }, kFailed},
    {"T5", "curly", [](Image& i) { i.config.cmd = {"/app/curly"}; }, kPassed},
    {"T5", "unread", [](Image& i) { add(i, "app/a.py", std::string(2 << 20, '\n')); }, kUnknown},
    {"T6", "unset", [](Image& i) { add(i, "app/a.py", "import transformers\n"); }, kFailed},
    {"T6", "offline",
     [](Image& i) {
       add(i, "app/a.py", "import transformers\n");
       i.config.env = {"HF_HUB_OFFLINE=on", "HF_HOME=/safe_data/hf"};
     },
     kPassed},
    {"T6", "elsewhere",
     [](Image& i) {
       add(i, "app/a.py", "import transformers\n");
       i.config.env = {"HF_HUB_OFFLINE=1", "HF_HOME=/root/hf"};
     },
     kFailed},
    {"T6", "unused", [](Image&) {}, kPassed},
    {"T7", "unset", [](Image& i) { i.config.env = {"TMP=/scratchpad"}; }, kFailed},
    {"T7", "below", [](Image& i) { i.config.env = {"TMPDIR=/scratch/x"}; }, kPassed},
    {"T8", "nothing", [](Image& i) { i.config.cmd = {}; }, kFailed},
    {"T8", "shell", [](Image& i) { i.config.cmd = {"/bin/bash"}; }, kFailed},
    {"T8", "shell_script", [](Image& i) { i.config.cmd = {"/bin/bash", "run.sh"}; }, kPassed},
    {"T10", "old", [](Image& i) { i.config.env.push_back("CUDA_VERSION=11.0.3"); }, kFailed},
    {"T10", "ten_is_more_than_two", [](Image& i) { i.config.env.push_back("CUDA_VERSION=11.10"); }, kPassed},
    {"T10", "directory",
     [](Image& i) {
       Archive a;
       a.directory("usr/local/cuda-10.2");
       i.layers.push_back(a);
     },
     kFailed},
    {"T10", "required", [](Image& i) { i.config.env.push_back("NVIDIA_REQUIRE_CUDA=cuda>=10.2 brand=tesla"); },
     kFailed},
    {"T11", "arm", [](Image& i) { i.config.platform.architecture = "arm64"; }, kFailed},
    {"T11", "amd64", [](Image&) {}, kPassed},
    {"B3", "latest", [](Image& i) { i.name = "host:5000/demo:latest"; }, kFailed},
    {"B3", "port_is_no_tag", [](Image& i) { i.name = "host:5000/demo"; }, kUnknown},
    {"B3", "version", [](Image& i) { i.name = "host:5000/demo:latest-1"; }, kPassed},
    {"DS-0031", "variable", [](Image& i) { i.config.env.push_back("API_TOKEN=abc"); }, kFailed},
    {"DS-0031", "path", [](Image& i) { i.config.env.push_back("API_TOKEN_FILE=/run/x"); }, kPassed},
    {"DS-0031", "key", [](Image& i) { add(i, "root/.ssh/id_rsa", "x"); }, kFailed},
    {"DS-0031", "public_key", [](Image& i) { add(i, "root/.ssh/id_rsa.pub", "x"); }, kPassed},
};

TEST(Checklist, SaysOfEachImageWhatItShows) {
  for (const auto& row : kCheckRows) {
    Image image{.layers = {good_layer()}};
    row.change(image);
    auto found = check(image, row.id);
    EXPECT_EQ(to_string(found.state), to_string(row.state)) << row.id << " " << row.name << ": " << found.message;
    EXPECT_EQ(found.fix.empty(), row.state != kFailed) << row.id << " " << row.name;
  }
}
TEST(Checklist, HasAFailingAndAPassingImageForEachOfItsChecks) {
  for (auto id : image_check_ids())
    for (auto state : {kFailed, kPassed})
      EXPECT_TRUE(std::ranges::any_of(kCheckRows, [&](const auto& row) { return row.id == id && row.state == state; }))
          << id << " " << to_string(state);
}
TEST(Checklist, IsUnknownWhereALayerWasNotRead) {
  Image image{.layers = {Archive().raw("this is no archive")}};
  ImageFacts facts{.image = "x",
                   .digest = {},
                   .manifest = {.config = {"", oci::Digest::of({}), 0}},
                   .config = image.config,
                   .layers = {}};
  facts.layers.push_back(LayerInventory{.blob = oci::Digest::of({}), .diff_id = {}, .is_layer = false});
  for (const auto& one : check_image(facts, {}, 0))
    if (one.id == "T1" || one.id == "T5" || one.id == "D8" || one.id == "T6") {
      EXPECT_EQ(one.state, kUnknown) << one.id;
    }
}

TEST(ReportBase, SurvivesBeingWrittenAndIsShown) {
  ScanReport report;
  report.image = "demo:1";
  report.base = BaseNote{.reference = "gate/base:1",
                         .standing = "kept",
                         .layers = 2,
                         .proof = "chain",
                         .behind = 1,
                         .keep = 3,
                         .removed_by_rebuild = 4};
  report.checks = {{"T1", CheckState::Failed, "/scratch is missing", {"/scratch"}, "RUN mkdir /scratch"}};
  auto again = ScanReport::from_json(report.to_json());
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->to_json().dump(), report.to_json().dump());
  auto text = render_text(report, {}, false);
  EXPECT_THAT(text, HasSubstr("gate/base:1 of 1970-01-01, 2 of 0 layers; 1 generation old"));
  EXPECT_THAT(text, HasSubstr("T1: /scratch is missing"));
  EXPECT_THAT(text, HasSubstr("→ RUN mkdir /scratch"));
  EXPECT_THAT(render_html(report, {}), HasSubstr("<b>T1</b> /scratch is missing"));
}

}  // namespace
}  // namespace pratique::scan
