FROM python:latest
ENV AWS_ACCESS_KEY_ID=AKIA0123456789ABCDEF
ARG GITHUB_TOKEN
RUN git clone https://$GITHUB_TOKEN@github.com/example/private.git /app
COPY .env /app/.env
CMD pip install -r /app/requirements.txt && python /app/main.py
