"""What a board with Linux says it is."""

from __future__ import annotations

from android_rpc.transport import Transport
from depthbench.errors import DeviceError

ARM64 = ("aarch64", "arm64")
UNKNOWN = "unknown"
# os-release(5); the device tree's strings end with a zero byte; PCs and servers have DMI.
ASK = r"""echo "abi=$(uname -m)"
echo "kernel=$(uname -r)"
for file in /etc/os-release /usr/lib/os-release; do
  [ -r $file ] && (. $file; echo "system=$PRETTY_NAME") && break
done
tree=/sys/firmware/devicetree/base
[ -r $tree/model ] && echo "model=$(tr -d '\000' < $tree/model)"
[ -r $tree/compatible ] && echo "compatible=$(tr '\000' ' ' < $tree/compatible)"
dmi=/sys/class/dmi/id
[ -r $dmi/sys_vendor ] && echo "vendor=$(cat $dmi/sys_vendor)"
[ -r $dmi/product_name ] && echo "product=$(cat $dmi/product_name)"
true"""


def read_properties(transport: Transport) -> dict[str, str]:
    """Manufacturer, model, system, kernel, ABI, SoC; and that it does not say to be `emulated`.

    Whether it is, the server finds out (see `server_identity`). Raises DeviceError for a board
    that is not 64-bit ARM.
    """
    lines = (line.partition("=") for line in transport.shell(ASK).splitlines())
    told = {name: value.strip() for name, _, value in lines if value.strip()}
    abi = told.get("abi", UNKNOWN)
    if abi not in ARM64:
        raise DeviceError(
            f"{transport} is {abi}, not 64-bit ARM",
            advice="name a board with arm64 cores; this machine can emulate one: --device emulated",
        )
    compatible = told.get("compatible", "").split()
    maker, _, _ = compatible[0].partition(",") if compatible else (UNKNOWN, "", "")
    return {
        "manufacturer": told.get("vendor", maker),
        "model": told.get("model") or told.get("product") or UNKNOWN,
        "system": told.get("system", UNKNOWN),
        "kernel": told.get("kernel", UNKNOWN),
        "abi": abi,
        "soc": compatible[-1] if compatible else UNKNOWN,
        "emulated": "no",
    }
