# Stands for the Dockerfile's base image where there is no registry of images: a Debian of the same release and a Node.js
# of the same major version, at the same places. Made from two folders (images.ts).
FROM scratch
COPY --from=debian / /
COPY --from=node /bin /usr/local/bin
COPY --from=node /include /usr/local/include
COPY --from=node /lib /usr/local/lib
RUN useradd --uid 1000 --create-home --shell /bin/bash node
CMD ["node"]
