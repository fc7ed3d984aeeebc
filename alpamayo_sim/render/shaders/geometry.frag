// What cameras other than colour ones write. Defined are what is drawn (OBJECT, GROUND, FACADE, MARKING or SKY) and what is told
// about it (DEPTH, SEMANTIC, INSTANCE, NORMALS or FLOW; see camera_kind.py). Blue first: images leave as BGRA.
out vec4 pixel;
#if defined(OBJECT)
in vec3 normal;
flat in vec4 tint;        // w material
in vec2 face;
flat in vec2 owner;       // semantic tag, number of the instance
uniform sampler2D atlas;
#elif defined(GROUND)
in vec3 normal;
flat in int surface;
uniform int tag_of_surface[8];
#elif defined(FACADE)
flat in vec3 normal;
flat in float owner;      // number of the building
#elif defined(MARKING)
in float across;
in float half_width;
#endif
#ifdef FLOW
in vec4 now;              // clip coordinates in this picture and in the camera's last one, top row at y = -1
in vec4 before;
#endif

#if defined(DEPTH)
vec4 told() {
#ifdef SKY
    float steps = DEPTH_STEPS;
#else
    float steps = floor(clamp(1.0 / (gl_FragCoord.w * DEPTH_RANGE_M), 0.0, 1.0) * DEPTH_STEPS);
#endif
    uint code = uint(max(steps - DEPTH_STEPS_LESS, 0.0));
    return vec4(float(code >> 16), float((code >> 8) & 255u), float(code & 255u), 255.0) / 255.0;
}
#elif defined(NORMALS)
vec4 told() {
#ifdef SKY
    return vec4(vec3(128.0 / 255.0), 1.0);
#else
    vec3 n = normalize(normal);
#ifdef GROUND
    if (!gl_FrontFacing) n = -n;
#endif
    return vec4((0.5 + 0.5 * n).bgr, 1.0);
#endif
}
#elif defined(FLOW)
vec4 told() {
    vec2 way = now.xy / now.w - before.xy / max(before.w, 1e-4);
    return vec4(clamp(vec2(way.x, -way.y), -2.0, 2.0), 0.0, 1.0);
}
#else
vec4 told() {
#if defined(OBJECT)
    float tag = owner.x;
    int number = int(owner.y + 0.5);
#elif defined(GROUND)
    float tag = float(tag_of_surface[surface]);
    int number = 0;
#elif defined(FACADE)
    float tag = BUILDING_TAG;
    int number = int(owner + 0.5);
#elif defined(MARKING)
    float tag = ROAD_LINE_TAG;
    int number = 0;
#else
    float tag = SKY_TAG;
    int number = 0;
#endif
#ifdef SEMANTIC
    number = 0;
#endif
    return vec4(float((number >> 8) & 255), float(number & 255), tag, 255.0) / 255.0;
}
#endif

void main() {
#ifdef OBJECT
    if (int(tint.w + 0.5) == 16 && texture(atlas, face).a < 0.4) discard;
#endif
#ifdef MARKING
    if (abs(across) > half_width) discard;
#endif
    pixel = told();
}
