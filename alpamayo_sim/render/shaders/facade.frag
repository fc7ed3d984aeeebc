in vec3 position;
flat in vec3 normal;
flat in float seed;
flat in vec3 base;
in vec2 wall;
out vec4 pixel;
uniform sampler2D noise;
void main() {
    vec3 view = eye.xyz - position;
    float distance_m = length(view);
    vec3 albedo = base;
    float glow = 0.0;
    float glass = 0.0;
    if (wall.y >= 0.0) {
        vec2 pitch = vec2(2.2 + 1.4 * seed, 3.2);
        vec2 cell = wall / pitch;
        vec2 id = floor(cell);
        vec2 f = fract(cell);
        float ground_floor = step(id.y, 0.5);
        vec4 frame = ground_floor > 0.5 ? vec4(0.06, 0.94, 0.04, 0.80) : vec4(0.24, 0.76, 0.28, 0.80);
        vec2 soft = clamp(fwidth(cell), 0.002, 0.5);
        vec2 inside = clamp((f - frame.xz) / soft + 0.5, 0.0, 1.0) * clamp((frame.yw - f) / soft + 0.5, 0.0, 1.0);
        glass = inside.x * inside.y * (1.0 - smoothstep(0.4, 0.9, max(soft.x, soft.y)) * 0.55);
        float dice = fract(sin(dot(id, vec2(12.9898, 78.233)) + seed * 37.0) * 4758.5453);
        albedo *= 0.82 + 0.3 * texture(noise, wall * 0.06 + seed).r;
        albedo *= 1.0 - 0.25 * step(0.94, f.y) * (1.0 - min(1.0, soft.y * 4.0));   // floor bands
        albedo *= mix(0.62, 1.0, smoothstep(0.0, 1.2, wall.y));
        float mirrored = clamp(0.35 + 0.65 * dice, 0.0, 1.0);
        albedo = mix(albedo, mix(vec3(0.015, 0.02, 0.026), fog.rgb * 0.16, mirrored), glass);
        glow = glass * step(0.62 - 0.2 * ground_floor, dice) * (0.4 + 0.6 * fract(dice * 7.3));
    }
    vec3 color = shade(albedo, normal, 1.0) + fog.rgb * glass * 0.10;
    color += glow * sun.w * vec3(1.1, 0.8, 0.42);
    pixel = shown(mix(fog.rgb, color, clearness(distance_m, position.z)), 1.0);
}
