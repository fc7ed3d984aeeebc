in vec3 position;
flat in vec3 normal;
flat in float seed;
flat in vec3 base;
flat in int style;        // 0 block of flats, 1 brick, 2 office, 3 house, 4 works; +8 a shop on the ground floor
in vec2 wall;
out vec4 pixel;
uniform sampler2D noise;
uniform sampler2D baked;  // b height up to which the air is in shadow
float box(vec2 f, vec4 frame, vec2 soft) {   // cover of the rectangle x0 x1 y0 y1
    vec2 inside = clamp((f - frame.xz) / soft + 0.5, 0.0, 1.0) * clamp((frame.yw - f) / soft + 0.5, 0.0, 1.0);
    return inside.x * inside.y;
}
void main() {
    vec3 view = eye.xyz - position;
    float distance_m = length(view);
    view /= distance_m;
    vec3 albedo = base;
    float glow = 0.0;
    float glass = 0.0;
    if (wall.y >= 0.0) {
        int kind = style & 7;
        bool shop = (style & 8) != 0;
        float storey = kind == 2 ? 3.6 : kind == 3 ? 2.9 : 3.2;
        vec2 pitch = vec2(kind == 2 ? 1.6 + 0.8 * seed : kind == 3 ? 3.1 : kind == 4 ? 5.0 : 2.2 + 1.4 * seed, storey);
        vec2 cell = wall / pitch;
        vec2 id = floor(cell);
        vec2 f = fract(cell);
        bool ground_floor = id.y < 0.5;
        vec2 soft = clamp(fwidth(cell), 0.002, 0.5);
        float dice = fract(dot(id, vec2(0.1031, 0.31369)) + seed * 3.7);
        dice = fract(dice * (dice + 33.33) * 7.77);
        vec4 frame = kind == 0 ? vec4(0.22, 0.78, 0.28, 0.82) : kind == 1 ? vec4(0.28, 0.72, 0.24, 0.80)
                   : kind == 2 ? vec4(0.04, 0.96, 0.22, 0.94) : kind == 3 ? vec4(0.26, 0.74, 0.30, 0.78) : vec4(0.10, 0.90, 0.62, 0.84);
        bool door = ground_floor && mod(id.x + floor(seed * 5.0), kind == 2 ? 7.0 : 5.0) < 0.5;
        if (ground_floor && shop) frame = vec4(0.05, 0.95, 0.12, 0.74);
        if (door) frame = shop || kind == 2 ? vec4(0.12, 0.88, 0.0, 0.76) : vec4(0.30, 0.70, 0.0, 0.70);
        float blur = 1.0 - smoothstep(0.35, 0.9, max(soft.x, soft.y)) * 0.55;
        float pane = box(f, frame, soft) * blur;
        float surround = box(f, frame + vec4(-0.05, 0.05, -0.035, 0.035), soft) * blur - pane;
        float rough = texture(noise, wall * 0.06 + seed).r;
        albedo *= 0.82 + 0.3 * rough;
        if (kind == 1) {                                      // brick courses, seen from near
            vec2 brick = wall / vec2(0.5, 0.16);
            brick.x += 0.5 * mod(floor(brick.y), 2.0);
            vec2 b = abs(fract(brick) - 0.5);
            float joint = max(smoothstep(0.44, 0.49, b.x), smoothstep(0.36, 0.46, b.y));
            albedo *= 1.0 + (0.4 * joint - 0.1) * clamp(1.3 - distance_m * 0.06, 0.0, 1.0);
        } else if (kind == 4) {                               // corrugated sheet
            albedo *= 0.9 + 0.2 * step(0.5, fract(wall.x * 2.0)) * clamp(1.4 - distance_m * 0.03, 0.0, 1.0);
        } else if (kind == 0) {
            albedo *= 1.0 - 0.25 * step(0.94, f.y) * (1.0 - min(1.0, soft.y * 4.0));   // floor bands
        }
        albedo = mix(albedo, kind == 2 ? vec3(0.10) : kind == 1 ? vec3(0.50, 0.47, 0.42) : vec3(0.62), clamp(surround, 0.0, 1.0) * 0.8);
        if (kind == 0 && !ground_floor && dice > 0.45 && seed > 0.35) {                // balconies
            float rail = box(f, vec4(0.12, 0.88, 0.02, 0.30), soft) * blur;
            albedo = mix(albedo, vec3(0.30, 0.31, 0.33) * (0.7 + 0.6 * step(0.5, fract(f.x * 24.0))), rail);
            pane *= 1.0 - rail;
        }
        if (ground_floor && shop) {                           // the shop's sign and its awning's shade
            vec3 paint = 0.15 + 0.55 * fract(vec3(3.1, 5.7, 9.3) * seed + vec3(0.0, 0.35, 0.7));
            float board = box(f, vec4(0.0, 1.0, 0.78, 0.95), soft);
            float letters = box(f, vec4(0.12, 0.88, 0.82, 0.91), soft) * step(0.42, fract(floor(wall.x * 3.3) * 0.7548 + seed * 57.0))
                          * (1.0 - smoothstep(0.02, 0.25, soft.x));
            albedo = mix(albedo, mix(paint * paint, vec3(0.75), letters), board);
            glow += board * (0.10 + 0.5 * letters);
        } else {
            albedo *= mix(0.62, 1.0, smoothstep(0.0, 1.2, wall.y));
        }
        glass = pane;
        if (door && !shop && kind != 2) {                     // a wooden door
            glass = pane * 0.0;
            albedo = mix(albedo, vec3(0.10, 0.05, 0.03) * (1.0 + 2.5 * fract(seed * 11.0)) * (0.8 + 0.4 * step(0.5, f.x)), pane);
            albedo = mix(albedo, vec3(0.4), box(f, vec4(0.62, 0.66, 0.32, 0.37), soft) * clamp(1.3 - distance_m * 0.05, 0.0, 1.0));
        }
        float bars = kind == 2 || shop ? 0.0 : max(smoothstep(0.02, 0.0, abs(f.x - 0.5)), smoothstep(0.02, 0.0, abs(f.y - 0.6)));
        glass *= 1.0 - 0.7 * bars * clamp(1.2 - distance_m * 0.03, 0.0, 1.0);
        vec3 inside = mix(vec3(0.012, 0.016, 0.022), vec3(0.16, 0.14, 0.11), step(0.72, dice) * 0.6);   // some curtains
        albedo = mix(albedo, inside, glass);
        float lit = step(0.62 - (ground_floor && shop ? 0.5 : 0.0) + (kind == 2 ? 0.15 : 0.0), dice);
        glow += glass * lit * (0.4 + 0.6 * fract(dice * 7.3));
    } else if (style == 3) {                                  // tiles
        albedo *= 0.8 + 0.25 * step(0.5, fract(position.z * 3.0));
    }
    vec2 uv = (position.xy + normal.xy * 0.9 - bake_window.xy) * bake_window.z;
    float sunlight = 1.0;
    if (bake_window.w > 0.5 && uv.x > 0.0 && uv.x < 1.0 && uv.y > 0.0 && uv.y < 1.0) {
        vec4 light = textureLod(baked, uv, 0.0);
        sunlight = clamp((position.z + (normal.z > 0.3 ? 1.2 : 0.2) - light.b) * 1.4 + 0.5, 0.0, 1.0);
    }
    vec3 color = shade(albedo, normal, sunlight);
    {
        vec3 bounce = reflect(-view, normal);
        float slant = 1.0 - clamp(dot(normal, view), 0.0, 1.0);
        slant *= slant;
        float fresnel = 0.10 + 0.9 * slant * slant;
        vec3 sky = mix(fog.rgb, zenith.rgb, clamp(bounce.z * 1.5, 0.0, 1.0));
        vec3 street = fog.rgb * 0.22;
        color = mix(color, mix(street, sky, smoothstep(-0.05, 0.25, bounce.z)), glass * fresnel);
        float shine = max(dot(bounce, sun.xyz), 0.0);
        shine *= shine; shine *= shine; shine *= shine; shine *= shine; shine *= shine; shine *= shine;
        color += sun_color.rgb * (sunlight * glass * shine);
    }
    color += glow * sun.w * vec3(1.1, 0.8, 0.42);
    pixel = shown(mix(air_light(-view), color, clearness(distance_m, position.z)), 1.0);
}
