in float fade;
out vec4 pixel;
void main() {
    vec3 seen = (fog.rgb * 0.8 + ambient.rgb * 0.25 + sun.w * 0.02);
    pixel = shown(seen, 0.0);
    float alpha = fade * (0.30 + 0.25 * clock.y);
    pixel = vec4(pixel.rgb * alpha, alpha);
}
