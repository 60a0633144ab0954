/**
 * One worker that serves a file as fast as it can: no logs, open files cached, connections kept. Without
 * `sendfile`, with which a small file takes half as much CPU time again (12.7 against 8.5 µs a request).
 */
export function nginxConfig(prefix: string, port: number): string {
  return `
daemon off;
worker_processes 1;
pid ${prefix}/nginx.pid;
error_log ${prefix}/error.log warn;
events {
  worker_connections 4096;
}
http {
  access_log off;
  server_tokens off;
  etag off;
  keepalive_timeout 75;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  sendfile off;
  open_file_cache max=100 inactive=1h;
  open_file_cache_valid 1h;
  default_type "text/plain;charset=UTF-8";
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi;
  uwsgi_temp_path ${prefix}/uwsgi;
  scgi_temp_path ${prefix}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${prefix}/html;
  }
}
`;
}
