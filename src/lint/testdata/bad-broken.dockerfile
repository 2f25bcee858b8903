FROM a:1 as build
RUN if [ -f x ]; then echo y
COPY --from=build x y z
EXPOSE 70000
FORM b
RUN <<EOF
echo never closed
