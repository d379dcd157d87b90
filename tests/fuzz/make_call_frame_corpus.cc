// Writes the seeds of fuzz_call_frame: make_call_frame_corpus <folder>.
#include <cstdio>
#include <fstream>

#include "tests/proto/sample_frames.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s <folder>\n", argv[0]);
    return 2;
  }
  for (const tvmffi::SampleFrame& sample : tvmffi::SampleFrames()) {
    std::ofstream file(std::string(argv[1]) + "/" + sample.name, std::ios::binary);
    file.write(sample.bytes.data(), static_cast<std::streamsize>(sample.bytes.size()));
    if (!file.flush()) {
      std::fprintf(stderr, "cannot write %s/%s\n", argv[1], sample.name.c_str());
      return 1;
    }
  }
  return 0;
}
