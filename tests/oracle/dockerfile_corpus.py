"""Writes awkward Dockerfiles, and broken ones made from them, into a directory. The same every time."""
import pathlib
import random
import sys

PIECES = [
    "RUN apt-get update && \\\n    apt-get install -y curl\n",
    "RUN echo a \\\n# a comment in between\n   b\n",
    "RUN <<EOF\necho one\necho two\nEOF\n",
    "RUN <<-'EOF' sh -e\n\techo $x\n\tEOF\n",
    "RUN --mount=type=cache,target=/root/.cache --network=none make\n",
    "RUN [\"/bin/sh\", \"-c\", \"echo a b\"]\n",
    "RUN [ -f /x ] || exit 1\n",
    "RUN [\"not json\"\n",
    "COPY --from=build --chown=a:b --chmod=555 /a /b/\n",
    "COPY <<EOF /etc/motd\nhello\nEOF\n",
    "COPY <<A <<B /x/\na\nA\nb\nB\n",
    "COPY [\"a b\", \"c\"]\n",
    "ADD --keep-git-dir=true https://example.org/x.git /x\n",
    "ENV A=1 B=\"two words\" C=a\\ b\n",
    "ENV OLD style value\n",
    "LABEL a=b \\\n      c=\"d e\"\n",
    "ARG X\n", "ARG Y=1 Z=2\n",
    "EXPOSE 80 443/udp 1000-2000\n",
    "VOLUME /a /b\n", "VOLUME [\"/c\"]\n",
    "WORKDIR /a b\n", "USER a:b\n", "STOPSIGNAL SIGTERM\n",
    "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\n",
    "HEALTHCHECK --interval=5s --retries=3 CMD curl -f localhost\n", "HEALTHCHECK NONE\n",
    "ONBUILD RUN make\n", "ONBUILD COPY . /x\n",
    "CMD [\"a\"]\n", "CMD a b c\n", "ENTRYPOINT [\"a\", \"b\"]\n", "MAINTAINER ann\n",
    "run lower case\n", "   RUN indented\n", "\tUSER tabbed\n", "RUN trailing   \n", "RUN a\\\n\n  b\n", "\n", "# comment\n",
]
HEADS = ["FROM a:1\n", "ARG V=1\nFROM a:$V AS Base\n", "FROM --platform=linux/amd64 a@sha256:" + "0" * 64 + "\n",
         "FROM a AS b\nFROM b\nFROM scratch AS c\n", "# syntax=docker/dockerfile:1\nFROM a\n", "# escape=`\nFROM a\n"]
BROKEN = ["FOO x\n", "FROM\n", "COPY a\n", "RUN <<EOF\nnever ends\n", "EXPOSE\n", "ENV\n", "ENV A\n", "LABEL x\n", "ARG\n", "USER\n",
          "WORKDIR\n", "COPY --nope=1 a b\n", "RUN --mount=type=nope a\n", "HEALTHCHECK\n", "HEALTHCHECK NONE x\n", "SHELL /bin/sh\n",
          "ONBUILD ONBUILD RUN x\n", "ONBUILD FROM a\n", "ONBUILD\n", "STOPSIGNAL\n", "VOLUME\n", "ENTRYPOINT\n", "CMD\n", "RUN\n",
          "COPY --from=a\n", "FROM a AS\n", "FROM a as b c\n", "FROM a AS 1x\n", "COPY [\"a\"]\n", "HEALTHCHECK --interval=x CMD a\n"]


def main() -> None:
    directory = pathlib.Path(sys.argv[1])
    generator = random.Random(7)
    for number in range(1000):
        text = generator.choice(HEADS)
        text += "".join(generator.choice(PIECES) for _ in range(generator.randrange(1, 12)))
        if number % 4 == 1:
            text += generator.choice(BROKEN)
        if number % 5 == 2:
            text = text.replace("\n", "\r\n")
        if number % 7 == 3:
            text = text.rstrip("\n")
        (directory / f"made-{number:04}").write_bytes(text.encode())
    for number, line in enumerate(PIECES + BROKEN):
        (directory / f"alone-{number:02}").write_text("FROM a\n" + line)


main()
