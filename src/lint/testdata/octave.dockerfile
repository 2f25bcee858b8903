FROM gnuoctave/octave:9.2.0
MAINTAINER research-computing@example.org
RUN mkdir /safe_data /safe_outputs /scratch
COPY analyse.m /home/analyse.m
CMD octave --no-gui /home/analyse.m
