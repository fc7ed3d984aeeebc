out vec3 direction;
void main() {
    look();
    vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
    CameraBlock camera = cameras[int(in_camera)];
    direction = camera.forward.xyz + corner.x * camera.right.xyz + corner.y * camera.down.xyz;
    vec4 clip = vec4(corner, 1.0, 1.0);
#ifdef FLOW
    was(vec4(direction, 0.0));
#endif
    show(clip);
}
