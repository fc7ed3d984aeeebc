in vec3 in_position;
in vec4 in_normal;        // w material / 255
in vec4 in_color;
in vec4 in_row0;          // rows of the 3 x 4 matrix from the mesh to the world
in vec4 in_row1;
in vec4 in_row2;
in vec4 in_paint;         // rgb of the instance, w a number in 0..1 that tells instances apart
in vec4 in_state;         // x vehicle light bits or signal state, y stride phase, z stride length, w 1 when shadows fall on it
out vec3 position;
out vec3 normal;
flat out vec4 tint;       // rgb, w material
out vec3 state;      // x light bits or signal state, y lamp light, z sunlight
out vec3 inside;          // position in the mesh
uniform sampler2D baked;  // r sunlight, g lamp light
const int LENS_RED = 8, LENS_GREEN = 10;
const int LEG_LEFT = 20, LEG_RIGHT = 21, ARM_LEFT = 22, ARM_RIGHT = 23;
void main() {
    int material = int(in_normal.w * 255.0 + 0.5);
    vec3 p = in_position;
    if (material >= LEG_LEFT && material <= ARM_RIGHT) {
        bool leg = material <= LEG_RIGHT;
        float swing = in_state.z * sin(in_state.y) * (material == LEG_LEFT || material == ARM_RIGHT ? 1.0 : -1.0);
        p.x += swing * max((leg ? 0.0 : 0.5) - p.z, 0.0) * (leg ? 0.75 : 0.6);
    }
    if (material >= LENS_RED && material <= LENS_GREEN && int(in_state.x + 0.5) == material - LENS_RED) {
        // A lit lens stays some pixels wide: its light spills over in eye and camera.
        vec3 middle = vec3(0.118, 0.0, float(LENS_RED + 1 - material) * 0.33);
        float away = distance(vec3(in_row0.w, in_row1.w, in_row2.w), eye.xyz);
        p = middle + (p - middle) * clamp(1.7 * away * eye.w / 0.15, 1.0, 2.6) + vec3(0.02, 0.0, 0.0);
    }
    vec4 q = vec4(p, 1.0);
    position = vec3(dot(in_row0, q), dot(in_row1, q), dot(in_row2, q));
    vec3 n = in_normal.xyz * 2.0 - 1.0;
    vec3 scale = vec3(in_row0.x * in_row0.x + in_row1.x * in_row1.x + in_row2.x * in_row2.x,
                      in_row0.y * in_row0.y + in_row1.y * in_row1.y + in_row2.y * in_row2.y,
                      in_row0.z * in_row0.z + in_row1.z * in_row1.z + in_row2.z * in_row2.z);
    n /= max(scale, vec3(1e-8));
    normal = vec3(dot(in_row0.xyz, n), dot(in_row1.xyz, n), dot(in_row2.xyz, n));
    vec3 color = in_color.rgb;
    if (material == 1) color = in_paint.rgb;
    else if (material == 24 || material == 22 || material == 23) color = in_paint.rgb;
    else if (material == 20 || material == 21) color = fract(in_paint.w * vec3(7.0, 7.0, 7.0) + vec3(0.0, 0.02, 0.06)) * 0.35 + 0.05;
    else if (material == 11) color *= 0.72 + 0.5 * fract(in_paint.w * 13.7) + vec3(0.12, 0.02, 0.0) * fract(in_paint.w * 5.3);
    tint = vec4(color * color, float(material));
    vec2 light = vec2(1.0, 0.0);
    if (in_state.w > 0.5 && bake_window.w > 0.5) {        // where the ray from the sun through this point meets the ground
        vec2 ground = position.xy - sun.xy / max(sun.z, 0.22) * max(position.z - in_row2.w, 0.0);
        vec2 uv = (ground - bake_window.xy) * bake_window.z;
        vec2 below = (position.xy - bake_window.xy) * bake_window.z;
        if (uv == clamp(uv, 0.0, 1.0)) light = vec2(textureLod(baked, uv, 0.0).r, textureLod(baked, below, 0.0).g);
    }
    state = vec3(in_state.x, light.y, light.x);
    inside = in_position;
    gl_Position = world_to_clip * vec4(position, 1.0);
}
