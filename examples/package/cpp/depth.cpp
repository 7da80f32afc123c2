// Depth of a picture: ./depth IMAGE.ppm DEPTH.pfm
#include <depth.h>

#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

// An instance that destroys itself; every failure is an exception.
class Network {
 public:
  explicit Network(int threads = 0) {
    depth_options options{};
    options.threads = threads;
    check(depth_create(&handle_, &options));
  }
  ~Network() { depth_destroy(handle_); }
  Network(const Network &) = delete;
  Network &operator=(const Network &) = delete;

  void run(const depth_frame &frame, std::vector<float> &map) {
    check(depth_run_frame(handle_, &frame, map.data(), map.size() * sizeof(float)));
  }

 private:
  void check(depth_status status) const {
    if (status != DEPTH_OK) throw std::runtime_error(depth_last_error(handle_));
  }
  depth_network handle_ = 0;
};

// Red, green, blue, alpha of a binary PPM file.
static std::vector<uint8_t> read_ppm(const char *path, int32_t &width, int32_t &height) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int most = 0;
  file >> magic >> width >> height >> most;
  file.get();
  if (!file || magic != "P6" || most != 255 || width < 1 || height < 1)
    throw std::runtime_error("the picture is no binary PPM");
  std::vector<uint8_t> pixels(4 * static_cast<size_t>(width) * static_cast<size_t>(height), 255);
  for (size_t i = 0; i < pixels.size(); i += 4)
    file.read(reinterpret_cast<char *>(&pixels[i]), 3);
  if (!file) throw std::runtime_error("the picture is cut short");
  return pixels;
}

// Floats as a PFM file, whose first row is the lowest.
static void write_pfm(const char *path, const std::vector<float> &map, size_t width) {
  std::ofstream file(path, std::ios::binary);
  file << "Pf\n" << width << " " << map.size() / width << "\n-1\n";
  for (size_t row = map.size(); row > 0; row -= width)
    file.write(reinterpret_cast<const char *>(&map[row - width]),
               static_cast<std::streamsize>(width * sizeof(float)));
  if (!file.flush()) throw std::runtime_error("the map cannot be written");
}

static const depth_port &depth_port_of_network() {
  for (int32_t place = 0; place < depth_output_count(); place++)
    if (depth_output(place)->unit) return *depth_output(place);
  throw std::runtime_error("no output of the network is depth");
}

int main(int count, char **arguments) try {
  if (count != 3) throw std::runtime_error("usage: depth IMAGE.ppm DEPTH.pfm");
  depth_frame frame{};
  frame.format = DEPTH_RGBA_8888;
  const auto pixels = read_ppm(arguments[1], frame.width, frame.height);
  frame.planes[0] = {pixels.data(), pixels.size(), 4 * frame.width, 4};

  const depth_port &port = depth_port_of_network();
  const auto height = static_cast<size_t>(port.shape[port.rank - 2]);
  const auto width = static_cast<size_t>(port.shape[port.rank - 1]);
  std::vector<float> map(width * height);
  Network network;
  network.run(frame, map);
  write_pfm(arguments[2], map, width);
  std::cout << "in the middle: " << map[height / 2 * width + width / 2] << " " << port.unit << "\n";
  return 0;
} catch (const std::exception &error) {
  std::cerr << "depth: " << error.what() << "\n";
  return 1;
}
