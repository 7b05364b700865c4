# What a newcomer, a developer and the build server type. Nothing here knows more than which command does the work.

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
READY  := $(VENV)/.ready
# The kernel in LLVM's language, which a wheel carries: without it a first run compiles the sources, which takes some seconds.
KERNEL  := $(wildcard analyser/machine/*.py analyser/*/layout.py analyser/*/kernel/*.py)
CARRIED := analyser/machine/carried.zip

# Programs that the suite compares with or lets speak, and the Debian package each is in.
TEST_PROGRAMS := tshark:tshark tcpdump:tcpdump nft:nftables ip:iproute2 ss:iproute2 ethtool:ethtool openssl:openssl curl:curl \
  etcd:etcd-server etcdctl:etcd-client slapd:slapd ldapsearch:ldap-utils cupsd:cups-daemon ipptool:cups-ipp-utils rlpr:rlpr \
  vsftpd:vsftpd snmpd:snmpd snmpget:snmp nginx:nginx-light aiosmtpd:python3-aiosmtpd sshd:openssh-server ssh:openssh-client \
  smbd:samba smbclient:smbclient dovecot:dovecot-pop3d lpd:lprng p910nd:p910nd nc:netcat-openbsd xinetd:xinetd rdate:rdate \
  java:default-jdk-headless javac:default-jdk-headless /usr/share/java/jgroups.jar:libjgroups-java
# Programs that the benchmark measures beside the analyser.
BENCH_PROGRAMS := tcpdump:tcpdump ndpiReader:libndpi-bin softflowd:softflowd

.PHONY: demo test lint types unit bench fuzz pins renew clean setup system-test bench-programs

## demo: set everything up and judge a sample: a terminal installation with two ports blocked on the way
demo: $(CARRIED)
	@echo '$$ analyser check samples/pcaps/ricoh-install.pcap --site samples/sites/ricoh-install.toml'
	@$(VENV)/bin/analyser check samples/pcaps/ricoh-install.pcap --site samples/sites/ricoh-install.toml; \
	code=$$?; \
	if [ $$code -eq 1 ]; then echo '(exit code 1: violations found, as this sample means to show)'; else exit $$code; fi

## test: the whole suite, with everything it needs
test: system-test $(READY) lint types unit

## lint: style and layout
lint: $(READY)
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check

types: $(READY)
	$(RUN) -m mypy

unit: $(CARRIED)
	$(RUN) -m pytest -q

## fuzz: all fuzzers for long: FUZZ_SECONDS each in Python, FUZZ_EXECUTIONS of the native one; findings/ keeps what fails
FUZZ_SECONDS    ?= 600
FUZZ_EXECUTIONS ?= 12000000
fuzz: $(CARRIED)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/fuzz/requirements.txt
	$(RUN) -m tests.fuzz kernel --executions $(FUZZ_EXECUTIONS) --seed $$(date +%s)
	for target in opening flows cut plain merge site check; do \
	  $(RUN) -m tests.fuzz $$target --seconds $(FUZZ_SECONDS) --seed $$(date +%s) || exit 1; done
	$(RUN) -m tests.fuzz.corpus unpack findings/corpus
	$(RUN) -m tests.fuzz.guided findings/corpus -max_len=2000 -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=findings/
	$(RUN) -m tests.fuzz.corpus keep findings/corpus

## bench: how fast captures are read and judged on this machine, beside other readers; renews docs/benchmarks.md. Takes a
## quarter of an hour, four GB of disk, and a machine that does nothing else
bench: bench-programs $(CARRIED)
	$(RUN) -m bench.run

## pins: resolve requirements.in anew into requirements.txt, with hashes and without addresses
pins: $(READY)
	$(RUN) -m pip install --quiet pip-tools
	$(RUN) -m piptools compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-header --no-annotate --strip-extras --allow-unsafe \
	  --output-file requirements.txt requirements.in

## renew: write samples, golden digests, the JSON Schema and the README's output anew, to be read before a commit
renew: $(CARRIED)
	$(RUN) -m samples.renew
	$(RUN) -m analyser.report.json
	$(RUN) -m tests.project.readme
	$(RUN) -m tests.conformance.page
	$(RUN) -m tests.cases.page

clean:
	rm -rf $(VENV) $(CARRIED) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(CARRIED)

$(CARRIED): $(KERNEL) | $(READY)
	@$(RUN) -m analyser.machine.build --carried

# The log is shown only if something fails: what an installer warns about is not what a newcomer should read first.
$(READY): requirements.txt pyproject.toml setup.py
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv; \
	  else echo 'Python with venv is missing; on Debian: sudo apt-get install python3 python3-venv' >&2; exit 1; fi; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=...' >&2; exit 1; }
	@echo 'setting up $(VENV), which takes a minute or two' >&2
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@{ $(RUN) -m pip install --disable-pip-version-check --require-hashes -r requirements.txt && \
	  $(RUN) -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	  } >$(VENV)/setup.log 2>&1 || { cat $(VENV)/setup.log >&2; exit 1; }
	@touch $(READY)

# No daemon is started by being installed: the suite starts its own, in namespaces.
system-test: PROGRAMS = $(TEST_PROGRAMS)
bench-programs: PROGRAMS = $(BENCH_PROGRAMS)
system-test bench-programs:
	@missing=''; for pair in $(PROGRAMS); do command -v $${pair%%:*} >/dev/null || test -e $${pair%%:*} || missing="$$missing $${pair##*:}"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    quiet=/usr/sbin/policy-rc.d; made=''; test -e $$quiet || { made=1; printf '#!/bin/sh\nexit 101\n' >$$quiet; chmod +x $$quiet; }; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	    code=$$?; test -z "$$made" || rm -f $$quiet; exit $$code; \
	  else echo "missing, and what needs them will be skipped:$$missing" >&2; fi; fi
