/* Depth of a picture: ./depth IMAGE.ppm DEPTH.pfm
 *
 * cc depth.c $(pkg-config --cflags --libs NAME) -o depth, with the package's pkgconfig/ in
 * PKG_CONFIG_PATH; or by CMakeLists.txt.
 */
#include <depth.h>
#include <stdio.h>
#include <stdlib.h>

static void fail(const char *what) {
  fprintf(stderr, "depth: %s\n", what);
  exit(1);
}

/* Pixels of a binary PPM file as red, green, blue, alpha. */
static uint8_t *read_ppm(const char *path, int32_t *width, int32_t *height) {
  FILE *file = fopen(path, "rb");
  if (!file) fail("the picture cannot be opened");
  if (fscanf(file, "P6 %d %d 255", width, height) != 2 || fgetc(file) == EOF || *width < 1 ||
      *height < 1)
    fail("the picture is no binary PPM");
  size_t count = (size_t)*width * (size_t)*height;
  uint8_t *pixels = malloc(4 * count);
  if (!pixels) fail("no memory");
  for (size_t i = 0; i < count; i++) {
    pixels[4 * i + 3] = 255;
    if (fread(pixels + 4 * i, 3, 1, file) != 1) fail("the picture is cut short");
  }
  fclose(file);
  return pixels;
}

/* Floats as a PFM file, whose first row is the lowest. */
static void write_pfm(const char *path, const float *map, int64_t width, int64_t height) {
  FILE *file = fopen(path, "wb");
  if (!file) fail("the map cannot be written");
  fprintf(file, "Pf\n%lld %lld\n-1\n", (long long)width, (long long)height);
  for (int64_t row = height - 1; row >= 0; row--)
    fwrite(map + row * width, sizeof *map, (size_t)width, file);
  if (fclose(file)) fail("the map cannot be written");
}

/* The output that is depth has a unit. */
static const depth_port *depth_port_of_network(void) {
  for (int32_t place = 0; place < depth_output_count(); place++)
    if (depth_output(place)->unit) return depth_output(place);
  fail("no output of the network is depth");
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 3) fail("usage: depth IMAGE.ppm DEPTH.pfm");
  depth_frame frame = {.format = DEPTH_RGBA_8888};
  uint8_t *pixels = read_ppm(arguments[1], &frame.width, &frame.height);
  size_t bytes = 4 * (size_t)frame.width * (size_t)frame.height;
  frame.planes[0] = (depth_plane){pixels, bytes, 4 * frame.width, 4};

  const depth_port *port = depth_port_of_network();
  int64_t height = port->shape[port->rank - 2], width = port->shape[port->rank - 1];
  size_t map_bytes = (size_t)(width * height) * sizeof(float);
  float *map = aligned_alloc(64, (map_bytes + 63) / 64 * 64);
  if (!map) fail("no memory");

  depth_network network;
  if (depth_create(&network, NULL)) fail(depth_last_error(0));
  if (depth_run_frame(network, &frame, map, map_bytes)) fail(depth_last_error(network));
  write_pfm(arguments[2], map, width, height);
  printf("in the middle: %.3f %s\n", map[(height / 2) * width + width / 2], port->unit);
  depth_destroy(network);
  free(map);
  free(pixels);
  return 0;
}
