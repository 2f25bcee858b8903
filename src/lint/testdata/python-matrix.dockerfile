# Batch job: prints a matrix product and keeps it.
FROM python:3.12-slim
RUN mkdir /safe_data /safe_outputs /scratch
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
ADD main.py /app/main.py
ENV TMP=/scratch
CMD ["python3", "/app/main.py"]
