# The base of the house's build stage with this machine's pip.conf and certificate authority in it. Nothing of it
# reaches the image that runs: that stage starts from the plain base again.
ARG BASE
FROM ${BASE}
COPY pip.conf /etc/pip.conf
COPY *.crt /etc/ssl/this-machine/
