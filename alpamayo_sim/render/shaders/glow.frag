in vec2 corner;
flat in vec3 light;
out vec4 pixel;
void main() {
    float reach = max(0.0, 1.0 - dot(corner, corner));
    reach *= reach * reach;
    pixel = vec4((light * reach).bgr, 0.0);
}
