// Shared by all programs. World: CARLA's left-handed frame, metres. Colours: linear light until `shown`.
struct CameraBlock {
    mat4 world_to_clip;   // with the picture's top row at y = -1
    vec4 eye;             // xyz position, w metres per pixel at one metre
    vec4 place;           // of the picture in the atlas of all cameras, in clip space: xy scale, zw offset
    vec4 right;           // xyz half the picture's width at one metre, as a vector in the world
    vec4 down;
    vec4 forward;         // unit vector
};
layout(std140) uniform Light {
    vec4 sun;             // xyz unit vector to the sun, w night 0..1
    vec4 sun_color;       // rgb, w wetness 0..1
    vec4 ambient;         // rgb from above, w light from below relative to above
    vec4 fog;             // rgb, w extinction per metre
    vec4 zenith;          // rgb of the sky overhead, w cloud cover 0..1
    vec4 air;             // x metres of clear air before the fog, y its falloff per metre of height, z share of sunlight that
                          // fog scatters to the eye, w haze round the sun
    vec4 clock;           // x simulation time in s, y rain 0..1, z puddles 0..1, w wind 0..1
    vec4 beams;           // x number of headlight beams
    vec4 bake_window;     // xy corner of the baked light, z 1 / its size, w 1 when there is one
    vec4 beam_place[8];  // xyz lamp, w reach in m
    vec4 beam_aim[8];    // xyz unit vector, w cosine of half the opening
};

#ifdef VERTEX_STAGE
layout(std140) uniform Cameras { CameraBlock cameras[MOST_CAMERAS]; };
in float in_camera;       // whose picture this is drawn into
flat out vec4 eye;        // of the camera
#ifndef VIEWPORTS
out float gl_ClipDistance[4];
#endif
#ifdef FLOW
layout(std140) uniform Before { mat4 clip_before[MOST_CAMERAS]; };
out vec4 now;             // clip coordinates in the picture
out vec4 before;          // and in the camera's last one
// Says where in the world the vertex was then; w is 0 for what is infinitely far.
void was(vec4 position) { before = clip_before[int(in_camera)] * position; }
#endif

// Begins every program: says whose eye it is.
void look() { eye = cameras[int(in_camera)].eye; }
vec4 clip_of(vec3 position) { return cameras[int(in_camera)].world_to_clip * vec4(position, 1.0); }
// Ends every program: puts a place in the picture to its place in the atlas, and cuts at the picture's edges. Graphics cards are
// faster with a viewport for each picture, processors without.
void show(vec4 clip) {
#ifdef FLOW
    now = clip;
#endif
#ifdef VIEWPORTS
    gl_ViewportIndex = int(in_camera);
    gl_Position = clip;
#else
    gl_ClipDistance[0] = clip.w + clip.x;
    gl_ClipDistance[1] = clip.w - clip.x;
    gl_ClipDistance[2] = clip.w + clip.y;
    gl_ClipDistance[3] = clip.w - clip.y;
    vec4 place = cameras[int(in_camera)].place;
    gl_Position = vec4(clip.xy * place.xy + place.zw * clip.w, clip.zw);
#endif
}
#else
flat in vec4 eye;
#endif

vec3 shade(vec3 albedo, vec3 normal, float sunlight) {
    float up = 0.5 + 0.5 * normal.z;
    return albedo * (ambient.rgb * mix(ambient.w, 1.0, up) + sun_color.rgb * (sunlight * max(dot(normal, sun.xyz), 0.0)));
}

// Share of light that comes through the air; fog is thinner above the eye.
float clearness(float distance_m, float height_m) {
    float thinner = 1.0 / (1.0 + air.y * clamp(0.5 * (height_m - eye.z), 0.0, 400.0));
    return exp(-max(distance_m - air.x, 0.0) * fog.w * thinner - distance_m * 0.0004);
}

// The light of the air itself along a ray: brighter toward the sun.
vec3 air_light(vec3 ray) {
    float toward = max(dot(ray, sun.xyz), 0.0);
    toward *= toward;
    toward *= toward;
    return fog.rgb + sun_color.rgb * (air.z * toward * toward);
}

const vec3 BEAM = vec3(1.3, 1.25, 1.08);

// Strength of the headlights at a place.
float beam_light(vec3 place, vec3 normal) {
    float sum = 0.0;
    int count = int(beams.x + 0.5);
    for (int k = 0; k < count; ++k) {
        vec3 way = place - beam_place[k].xyz;
        float away = length(way);
        if (away > beam_place[k].w || away < 0.3) continue;
        way /= away;
        float aim = dot(way, beam_aim[k].xyz);
        float fade = 1.0 - away / beam_place[k].w;
        sum += smoothstep(beam_aim[k].w, 0.5 + 0.5 * beam_aim[k].w, aim) * fade * fade
             * (0.25 + 0.75 * max(-dot(way, normal), 0.0)) / (0.7 + 0.03 * away);
    }
    return sum;
}

// Blue first: images leave as BGRA.
vec4 shown(vec3 linear_color, float alpha) {
    vec3 c = linear_color / (1.0 + 0.22 * linear_color);
    return vec4(sqrt(clamp(c, 0.0, 1.0)).bgr, alpha);
}
