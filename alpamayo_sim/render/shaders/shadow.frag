in vec3 position;
in vec2 corner;
flat in vec2 kind;
out vec4 pixel;
void main() {
    float clear_air = clearness(distance(eye.xyz, position), position.z);
    if (kind.x > 0.5) {                                   // the pool of light ahead of a vehicle: adds, so alpha is zero
        float along = corner.x * 0.5 + 0.5;
        float spread = abs(corner.y) / (0.25 + 0.75 * along);
        float beam = (1.0 - smoothstep(0.3, 1.0, spread)) * smoothstep(0.0, 0.08, along) * pow(1.0 - along, 1.3);
        pixel = vec4((vec3(0.42, 0.40, 0.33) * beam * kind.y * clear_air).bgr, 0.0);
        return;
    }
    vec2 soft = 1.0 - smoothstep(0.62, 1.0, abs(corner));
    pixel = vec4(0.0, 0.0, 0.0, soft.x * soft.y * kind.y * clear_air);
}
