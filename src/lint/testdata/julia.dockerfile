FROM julia:1.10
RUN mkdir -p /safe_data /safe_outputs /scratch
WORKDIR /project
COPY Project.toml Manifest.toml ./
RUN julia --project=. -e 'using Pkg; Pkg.instantiate(); Pkg.precompile()'
COPY src/ src/
CMD ["julia", "--project=/project", "src/main.jl"]
