FROM python:3.11
ARG VERSION=2.1
LABEL org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.source="https://github.com/example/hello"
RUN mkdir -p /safe_data /safe_outputs /scratch && \
    groupadd app && useradd --create-home -g app app
COPY --chown=root:root --chmod=555 hello.py /usr/local/bin/hello.py
USER app
ENTRYPOINT ["python3", "/usr/local/bin/hello.py"]
CMD ["-d", "10"]
