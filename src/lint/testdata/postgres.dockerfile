FROM postgres:16
RUN mkdir /safe_data /safe_outputs /scratch
COPY schema.sql /docker-entrypoint-initdb.d/
EXPOSE 5432
