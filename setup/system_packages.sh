#!/bin/sh
# Installs what cameras need from the system (EGL and a software OpenGL driver) where it may; otherwise says what to install.
# Never fails: without them a drive is recorded from a bird's eye only.
set -u
found() { ls "$@" 2>/dev/null | grep -q .; }
has_egl() { found /usr/lib/*/libEGL.so.1 /usr/lib64/libEGL.so.1; }
has_driver() { found /usr/lib/*/dri/swrast_dri.so /usr/lib/*/libgallium*.so /usr/lib64/dri/swrast_dri.so /usr/share/glvnd/egl_vendor.d/*nvidia*; }
has_egl && has_driver && exit 0
packages="libegl1 libgl1-mesa-dri libglx-mesa0"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing $packages (OpenGL through EGL, for cameras)"
    apt-get update -qq >/dev/null 2>&1
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $packages >/dev/null 2>&1 && exit 0
fi
echo "note: cameras need OpenGL through EGL: sudo apt-get install $packages (without it: bird's-eye video only)"
exit 0
