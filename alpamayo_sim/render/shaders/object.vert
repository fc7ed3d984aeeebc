in vec3 in_position;
in vec4 in_normal;        // w material / 255
in vec4 in_color;         // w joint / 255, plus 64 / 255 for paint, 128 / 255 for parts of a rider
in vec4 in_row0;          // rows of the 3 x 4 matrix from the mesh to the world
in vec4 in_row1;
in vec4 in_row2;
in vec4 in_paint;         // rgb of the instance, w a number in 0..1 that tells instances apart
in vec4 in_state;         // x vehicle light bits or signal state, y stride phase or open doors, z speed of a walker,
                          // w shadows: 0 none fall on it, 1 on a thing that moves, 2 on one that stands
in vec2 in_object;        // x CARLA's semantic tag, y actor id
out vec3 position;
out vec3 normal;
flat out vec4 tint;       // rgb, w material
out vec4 state;           // x light bits or signal state, y lamp light, z sunlight, w headlight
out vec3 inside;          // position in the mesh
out vec2 face;            // place in the atlas of sign faces
#ifdef GEOMETRY
flat out vec2 owner;      // semantic tag, number of the instance
#endif
#ifdef FLOW
in vec4 in_before0;       // matrix and state in the camera's last picture
in vec4 in_before1;
in vec4 in_before2;
in vec4 in_state_before;
#endif
uniform sampler2D baked;  // r sunlight, g lamp light, b height up to which the air is in shadow
const int LENS_RED = 8, LENS_GREEN = 10, FOLIAGE = 11, POSTER = 16, SKIN = 17, HAIR = 18, TROUSERS = 19, CLOTH = 20;
const int THIGH = 1, SHIN = 3, ARM = 5, FOREARM = 7, DOOR = 9;

const vec3 SKINS[6] = vec3[](vec3(0.93, 0.76, 0.66), vec3(0.87, 0.68, 0.55), vec3(0.78, 0.58, 0.44), vec3(0.62, 0.43, 0.31), vec3(0.46, 0.30, 0.21), vec3(0.35, 0.23, 0.17));
const vec3 HAIRS[6] = vec3[](vec3(0.13, 0.10, 0.09), vec3(0.30, 0.20, 0.13), vec3(0.52, 0.38, 0.20), vec3(0.20, 0.15, 0.12), vec3(0.62, 0.60, 0.58), vec3(0.42, 0.20, 0.12));
const vec3 PANTS[6] = vec3[](vec3(0.17, 0.22, 0.34), vec3(0.16, 0.16, 0.18), vec3(0.42, 0.36, 0.28), vec3(0.28, 0.30, 0.33), vec3(0.30, 0.22, 0.18), vec3(0.22, 0.28, 0.24));

void bend(inout vec3 p, inout vec3 n, float x, float z, float angle) {   // about the y axis at (x, z), forward positive
    float c = cos(angle), s = sin(angle);
    vec2 d = vec2(p.x - x, p.z - z);
    p.xz = vec2(x, z) + vec2(c * d.x - s * d.y, s * d.x + c * d.y);
    n.xz = vec2(c * n.x - s * n.z, s * n.x + c * n.z);
}
// The walk of `world/skeleton.py`: phase and speed to the angles of hip and knee.
const float WALK_MPS = 1.4, KNEE = 0.785398, ELBOW = 0.314159;
float swing_angle(float speed) {
    return min(speed / WALK_MPS, 1.0) * 0.453786 + clamp((speed - WALK_MPS) / 3.0, 0.0, 1.0) * 0.279253;
}
vec2 leg_angles(float phase, float speed) {
    float lifted = min(speed / WALK_MPS, 1.0) * max(0.0, cos(phase));
    return vec2(swing_angle(speed) * sin(phase) + 0.4 * KNEE * lifted, -KNEE * lifted);
}
float leg_length(vec2 leg) { return 0.456 * cos(leg.x) + 0.439 * cos(leg.x + leg.y); }
// Moves a vertex with its joint, and lets a lit lens stay some pixels wide: its light spills over in eye and camera.
void hold(inout vec3 p, inout vec3 n, int material, int joint, vec4 state, vec3 foot) {
    if (joint >= THIGH && joint < DOOR) {                // a walk: hips, knees, shoulders, elbows of a person 1.86 m tall
        float phase = state.y + ((joint & 1) == 1 ? 0.0 : 3.14159265);
        vec2 leg = leg_angles(phase, state.z);
        if (joint < ARM) {
            if (joint >= SHIN) {
                if (p.z < 0.09) bend(p, n, 0.0, 0.08, -leg.x - leg.y);      // feet stay level
                bend(p, n, 0.0, 0.52, leg.y);
            }
            bend(p, n, 0.0, 0.97, leg.x);
        } else {
            float swing = swing_angle(state.z) * sin(phase);
            if (joint >= FOREARM) bend(p, n, 0.01, 1.18, min(state.z / WALK_MPS, 1.0) * (ELBOW - 0.3 * swing));
            bend(p, n, 0.0, 1.49, -0.8 * swing);
        }
    } else if (joint >= DOOR && joint < DOOR + 6 && (int(state.y + 0.5) & (1 << (joint - DOOR))) != 0) {
        p = vec3(0.0, 0.0, 0.3);                         // an open door is drawn on its own
    }
    if (joint < DOOR && state.z > 0.0) {                  // the foot that stands is on the ground
        vec2 a = leg_angles(state.y, state.z), b = leg_angles(state.y + 3.14159265, state.z);
        p.z += max(leg_length(a), leg_length(b)) - 0.895;
    }
    if (material >= LENS_RED && material <= LENS_GREEN && int(state.x + 0.5) == material - LENS_RED) {
        vec3 middle = vec3(0.118, 0.0, float(LENS_RED + 1 - material) * 0.33);
        p = middle + (p - middle) * clamp(1.7 * distance(foot, eye.xyz) * eye.w / 0.15, 1.0, 3.4) + vec3(0.02, 0.0, 0.0);
    }
}
int pick(float dice, float salt) { return min(int(fract(dice * salt) * 6.0), 5); }

void main() {
    look();
    int material = int(in_normal.w * 255.0 + 0.5);
    int code = int(in_color.w * 255.0 + 0.5);
    int joint = code & 63;
    vec3 p = in_position;
    vec3 n = in_normal.xyz * 2.0 - 1.0;
    hold(p, n, material, joint, in_state, vec3(in_row0.w, in_row1.w, in_row2.w));
    vec4 q = vec4(p, 1.0);
    position = vec3(dot(in_row0, q), dot(in_row1, q), dot(in_row2, q));
    vec3 swayed = vec3(0.0);
    if (material == FOLIAGE) {                           // leaves move with the wind
        float sway = clock.w * 0.045 * max(p.z - 0.4, 0.0);
        swayed.xy = sway * vec2(sin(clock.x * 2.1 + position.x * 0.7 + p.z), cos(clock.x * 1.7 + position.y * 0.6 + p.z));
        position += swayed;
    }
#ifdef GEOMETRY
    owner = vec2((code & 128) != 0 ? RIDER_TAG : (code & 64) != 0 ? ROAD_LINE_TAG : in_object.x, in_object.y);
#endif
#ifdef FLOW
    vec3 p_before = in_position, n_before = n;
    hold(p_before, n_before, material, joint, in_state_before, vec3(in_before0.w, in_before1.w, in_before2.w));
    vec4 q_before = vec4(p_before, 1.0);
    was(vec4(vec3(dot(in_before0, q_before), dot(in_before1, q_before), dot(in_before2, q_before)) + swayed, 1.0));
#endif
    vec3 scale = vec3(in_row0.x * in_row0.x + in_row1.x * in_row1.x + in_row2.x * in_row2.x,
                      in_row0.y * in_row0.y + in_row1.y * in_row1.y + in_row2.y * in_row2.y,
                      in_row0.z * in_row0.z + in_row1.z * in_row1.z + in_row2.z * in_row2.z);
    n /= max(scale, vec3(1e-8));
    normal = vec3(dot(in_row0.xyz, n), dot(in_row1.xyz, n), dot(in_row2.xyz, n));
    vec3 color = in_color.rgb;
    face = vec2(0.0);
    if (material == 1 || material == CLOTH) color *= in_paint.rgb / 0.9;
    else if (material == SKIN) color = SKINS[pick(in_paint.w, 7.31)];
    else if (material == HAIR) color = HAIRS[pick(in_paint.w, 23.7)];
    else if (material == TROUSERS) color = PANTS[pick(in_paint.w, 61.9)];
    else if (material == FOLIAGE) color *= 0.72 + 0.5 * fract(in_paint.w * 13.7) + vec3(0.12, 0.02, 0.0) * fract(in_paint.w * 5.3);
    else if (material == POSTER) {
        float cell = floor(color.b * 255.0 + 0.5);
        face = (vec2(mod(cell, 8.0), floor(cell / 8.0)) + 0.03 + 0.94 * color.rg) / 8.0;
        color = vec3(1.0);
    }
    tint = vec4(color * color, float(material));
    vec2 light = vec2(1.0, 0.0);
    if (in_state.w > 0.5 && bake_window.w > 0.5) {
        vec3 foot = vec3(in_row0.w, in_row1.w, in_row2.w);
        vec2 below = (position.xy - bake_window.xy) * bake_window.z;
        if (in_state.w < 1.5) {                          // where the ray from the sun through this point meets the ground
            vec2 ground = position.xy - sun.xy / max(sun.z, 0.22) * max(position.z - foot.z, 0.0);
            vec2 uv = (ground - bake_window.xy) * bake_window.z;
            if (uv == clamp(uv, 0.0, 1.0)) light = vec2(textureLod(baked, uv, 0.0).r, textureLod(baked, below, 0.0).g);
        } else if (below == clamp(below, 0.0, 1.0)) {    // only what is a good deal taller takes its sun
            vec4 baked_here = textureLod(baked, (foot.xy - bake_window.xy) * bake_window.z, 0.0);
            light = vec2(clamp((max(position.z, foot.z + 7.5) - baked_here.b) * 0.8 + 0.5, 0.0, 1.0), baked_here.g * 0.6);
        }
    }
    float shone = 0.0;
#ifdef NIGHT
    shone = beam_light(position, normalize(normal));
#endif
    state = vec4(in_state.x, light.y, light.x, shone);
    inside = in_position;
    show(clip_of(position));
}
